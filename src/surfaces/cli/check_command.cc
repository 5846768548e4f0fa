#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <string>

#include "base/strings.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/diagnostic_printer.h"
#include "surfaces/cli/table.h"

namespace davy::cli {
namespace {

std::string counted(std::size_t number, std::string_view one) {
  return std::to_string(number) + " " + std::string(one) + (number == 1 ? "" : "s");
}

class CheckCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "check"; }
  std::string_view summary() const noexcept override {
    return "Explain every mistake in a configuration, and what it will do";
  }
  void define(CLI::App& app) override {
    app.add_option("-c,--config", config_, "the configuration")->capture_default_str();
  }

  int run(CommandContext& context) override {
    Diagnostics diagnostics;
    const auto snapshot = context.snapshots.build(config_, diagnostics);
    if (snapshot) warn_of_expired(*snapshot, context.clock.now().wall, diagnostics);
    DiagnosticPrinter(context.err).print(diagnostics);
    const auto& all = diagnostics.all();
    const auto errors = static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [](const Diagnostic& d) { return d.error; }));
    const std::size_t warnings = all.size() - errors;
    if (!snapshot || errors > 0) {
      context.err << printable(config_, 4096) << ": " << counted(errors, "error") << ", "
                  << counted(warnings, "warning") << '\n';
      return kExitTrouble;
    }
    summarise(context.out, *snapshot, warnings);
    return kExitClean;
  }

 private:
  static void warn_of_expired(const Snapshot& snapshot, WallTime now, Diagnostics& diagnostics) {
    for (const Experiment& experiment : snapshot.settings.experiments) {
      if (!experiment.expired(now)) continue;
      diagnostics.warning("the experiment \"" + experiment.name + "\" has expired",
                          experiment.place, "its requests are refused; prolong or remove it");
    }
  }

  void summarise(std::ostream& out, const Snapshot& snapshot, std::size_t warnings) const {
    const Settings& settings = snapshot.settings;
    out << printable(config_, 4096) << ": fine, with " << counted(settings.models.size(), "model")
        << ", " << counted(settings.experiments.size(), "experiment") << " and "
        << counted(warnings, "warning") << '\n';
    out << "policy " << snapshot.policy_digest << "\n";
    for (const Mode mode : {Mode::enforce, Mode::observe, Mode::off}) {
      std::vector<std::string> ids;
      for (std::size_t i = 0; i < catalogue().size(); ++i) {
        const RuleId rule{static_cast<std::uint16_t>(i)};
        if (snapshot.modes.mode(rule) == mode) ids.emplace_back(name(rule));
      }
      if (ids.empty()) continue;
      out << '\n' << heading(mode) << " (" << ids.size() << ")\n" << wrapped(join(ids, " "), 2);
    }
  }

  static std::string_view heading(Mode mode) {
    switch (mode) {
      case Mode::enforce: return "Enforced: these act";
      case Mode::observe: return "Observed: these record and change nothing";
      case Mode::off: break;
    }
    return "Off";
  }

  std::string config_ = "./davylamp.yaml";
};

}  // namespace

std::unique_ptr<Command> check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace davy::cli
