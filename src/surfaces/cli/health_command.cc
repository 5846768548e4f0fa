#include <CLI/CLI.hpp>
#include <chrono>
#include <ostream>
#include <string>

#include "base/strings.h"
#include "mechanisms/net/probe.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/diagnostic_printer.h"

namespace davy::cli {
namespace {

class HealthCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "health"; }
  std::string_view summary() const noexcept override {
    return "Ask a running gateway whether it is ready";
  }
  void define(CLI::App& app) override {
    app.add_option("-c,--config", config_, "the configuration that names the admin listener")
        ->capture_default_str();
    app.add_option("--timeout", timeout_, "seconds to wait for an answer")
        ->check(CLI::Range(1U, 600U))
        ->capture_default_str();
    app.footer("Exit status: 0 ready, 1 not ready or no answer, 2 bad input or usage.");
  }

  int run(CommandContext& context) override {
    Diagnostics diagnostics;
    const auto loaded = context.snapshots.load(config_, diagnostics);
    if (!loaded) {
      DiagnosticPrinter(context.err).print(diagnostics);
      return kExitTrouble;
    }
    const auto answer = net::probe(loaded->settings.admin, "/readyz",
                                   std::chrono::seconds(timeout_), context.clock);
    if (!answer) {
      context.err << "davy: not ready: " << answer.error().text() << '\n';
      return kExitFindings;
    }
    const std::string said = printable(trim(answer->body), 500);
    if (answer->status != 200) {
      const std::string_view prefix = said.starts_with("not ready") ? "" : "not ready: ";
      context.err << "davy: " << prefix << said << " (status " << answer->status << ")\n";
      return kExitFindings;
    }
    context.out << said << '\n';
    return kExitClean;
  }

 private:
  std::string config_ = "davylamp.yaml";
  unsigned timeout_ = 5;
};

}  // namespace

std::unique_ptr<Command> health_command() { return std::make_unique<HealthCommand>(); }

}  // namespace davy::cli
