#include "surfaces/cli/scan_command.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

#include "mechanisms/formats/report.h"
#include "mechanisms/formats/scan_driver.h"

namespace davy::cli {
namespace {

class ScanCommand final : public Command {
 public:
  explicit ScanCommand(const Scanner& scanner)
      : scanner_(scanner), path_("scan " + std::string(scanner.name())) {}

  [[nodiscard]] std::string_view path() const noexcept override { return path_; }
  [[nodiscard]] std::string_view summary() const noexcept override { return scanner_.summary(); }

  void define(CLI::App& app) override {
    app.add_option("TARGET", target_, "File or folder to examine")->required();
    app.add_option("--fail-on", fail_on_, "Exit 1 for a finding of this severity or above")
        ->check(CLI::IsMember({"info", "low", "medium", "high", "critical"}))
        ->capture_default_str();
    app.add_option("-o,--output", output_, "Form of the report")
        ->check(CLI::IsMember({"table", "json", "sarif", "junit", "markdown"}))
        ->capture_default_str();
    max_bytes_option_ = app.add_option("--max-bytes", max_bytes_,
                                       "Leave out files with more bytes than this (e.g. 10MB); "
                                       "they are listed as not examined")
                            ->transform(CLI::AsSizeValue(false));
    app.add_option("--timeout", timeout_, "Seconds after which the scan stops, as a failure")
        ->check(CLI::Range(1U, 86'400U));
  }

  [[nodiscard]] int run(CommandContext& context) override {
    const auto format = formats::report_format_from(output_);
    const auto fail_on = severity_from(fail_on_);
    if (!format || !fail_on) {
      context.err << "davy: unknown report form or severity; see --help\n";
      return kExitTrouble;
    }
    formats::ScanLimits limits;
    if (max_bytes_option_ != nullptr && max_bytes_option_->count() > 0) {
      limits.walk.file_bytes = max_bytes_;
      limits.walk.size_is_scope = true;
    }
    if (timeout_ > 0) {
      limits.walk.deadline = context.clock.now().steady + std::chrono::seconds(timeout_);
    }
    formats::ScanDriver driver(scanner_, context.scanners, limits, context.clock);
    if (const auto done = driver.scan_path(target_); !done) {
      context.err << "davy: " << done.error().text() << "\n";
      return kExitTrouble;
    }
    const formats::Report report = driver.take_report(target_);
    formats::write_report(context.out, *format, report, *fail_on);
    return formats::exit_status(report, *fail_on);
  }

 private:
  const Scanner& scanner_;
  std::string path_;
  std::string target_;
  std::string fail_on_ = "high";
  std::string output_ = "table";
  std::uint64_t max_bytes_ = 0;
  std::uint32_t timeout_ = 0;
  const CLI::Option* max_bytes_option_ = nullptr;
};

}  // namespace

std::vector<std::unique_ptr<Command>> scan_commands(
    std::span<const std::unique_ptr<Scanner>> scanners) {
  std::vector<std::unique_ptr<Command>> commands;
  for (const auto& scanner : scanners) commands.push_back(std::make_unique<ScanCommand>(*scanner));
  return commands;
}

}  // namespace davy::cli
