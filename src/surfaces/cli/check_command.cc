#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>
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
      std::size_t number = 0;
      const std::vector<std::string> ids = rules_in(mode, snapshot.modes, number);
      if (ids.empty()) continue;
      out << '\n' << heading(mode) << " (" << number << ")\n" << wrapped(join(ids, " "), 2);
    }
  }

  // The ids; a folder whose many rules all have the mode is one entry, "a.b.*".
  static std::vector<std::string> rules_in(Mode mode, const RuleModes& modes, std::size_t& number) {
    std::vector<std::string> out;
    const auto all = catalogue();
    for (std::size_t begin = 0; begin < all.size();) {
      const std::string_view folder = all[begin].id.substr(0, all[begin].id.rfind('.') + 1);
      std::vector<std::string> ids;
      std::size_t end = begin;
      for (; end < all.size() && all[end].id.starts_with(folder); ++end) {
        const RuleId rule{static_cast<std::uint16_t>(end)};
        if (modes.mode(rule) == mode) ids.emplace_back(all[end].id);
      }
      number += ids.size();
      if (ids.size() == end - begin && ids.size() > kManyRules) {
        ids = {std::string(folder) + "*"};
      }
      std::move(ids.begin(), ids.end(), std::back_inserter(out));
      begin = end;
    }
    return out;
  }

  static std::string_view heading(Mode mode) {
    switch (mode) {
      case Mode::enforce: return "Enforced: these act";
      case Mode::observe: return "Observed: these record and change nothing";
      case Mode::off: break;
    }
    return "Off";
  }

  static constexpr std::size_t kManyRules = 3;

  std::string config_ = "./davylamp.yaml";
};

}  // namespace

std::unique_ptr<Command> check_command() { return std::make_unique<CheckCommand>(); }

}  // namespace davy::cli
