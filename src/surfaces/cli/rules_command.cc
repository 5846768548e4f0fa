#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <optional>
#include <ostream>
#include <string>

#include "surfaces/cli/commands.h"
#include "surfaces/cli/diagnostic_printer.h"
#include "surfaces/cli/output_format.h"
#include "surfaces/cli/table.h"

namespace davy::cli {
namespace {

class RulesCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "rules"; }
  std::string_view summary() const noexcept override { return "List every rule and its mode"; }
  void define(CLI::App& app) override {
    app.add_option("-c,--config", config_, "show the modes of this configuration");
    add_output_option(app, format_);
  }

  int run(CommandContext& context) override {
    const auto modes = read_modes(context);
    if (!modes) return kExitTrouble;
    if (format_ == OutputFormat::json) {
      write_json(context.out, *modes);
    } else {
      write_table(context.out, *modes);
    }
    return kExitClean;
  }

 private:
  [[nodiscard]] std::optional<RuleModes> read_modes(CommandContext& context) const {
    if (config_.empty()) return RuleModes::defaults();
    Diagnostics diagnostics;
    const auto loaded = context.snapshots.load(config_, diagnostics);
    if (!loaded) {
      DiagnosticPrinter(context.err).print(diagnostics);
      return std::nullopt;
    }
    auto modes = rule_modes(loaded->settings);
    if (!modes) {
      context.err << "davy: " << modes.error().text() << '\n';
      return std::nullopt;
    }
    return *std::move(modes);
  }

  void write_table(std::ostream& out, const RuleModes& modes) const {
    Table table({"RULE", "SEVERITY", config_.empty() ? "DEFAULT" : "MODE", "TITLE"});
    std::uint16_t index = 0;
    for (const RuleInfo& rule : catalogue()) {
      table.add({std::string(rule.id), std::string(name(rule.severity)),
                 std::string(name(modes.mode(RuleId{index++}))), std::string(rule.title)});
    }
    table.write(out);
  }

  static void write_json(std::ostream& out, const RuleModes& modes) {
    boost::json::array rules;
    std::uint16_t index = 0;
    for (const RuleInfo& rule : catalogue()) {
      rules.push_back({{"rule", rule.id},
                       {"title", rule.title},
                       {"pillar", rule.pillar},
                       {"severity", name(rule.severity)},
                       {"mode", name(modes.mode(RuleId{index++}))},
                       {"default_mode", name(rule.default_mode)},
                       {"since", rule.since}});
    }
    out << boost::json::object{{"rules", rules}, {"catalogue", catalogue_digest()}} << '\n';
  }

  std::string config_;
  OutputFormat format_ = OutputFormat::table;
};

}  // namespace

std::unique_ptr<Command> rules_command() { return std::make_unique<RulesCommand>(); }

}  // namespace davy::cli
