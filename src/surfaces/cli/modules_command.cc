#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>
#include <string>

#include "core/module.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/output_format.h"
#include "surfaces/cli/table.h"

namespace davy::cli {
namespace {

class ModulesCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "modules"; }
  std::string_view summary() const noexcept override {
    return "List every module: how mature it is and what it may be fed";
  }
  void define(CLI::App& app) override { add_output_option(app, format_); }

  int run(CommandContext& context) override {
    if (format_ == OutputFormat::json) {
      boost::json::array modules;
      for (const ModuleInfo& module : context.modules) {
        modules.push_back({{"module", module.path},
                           {"maturity", name(module.maturity)},
                           {"posture", name(module.posture)},
                           {"answers", module.answers}});
      }
      context.out << boost::json::object{{"modules", modules}} << '\n';
      return kExitClean;
    }
    Table table({"MODULE", "MATURITY", "POSTURE", "ANSWERS"});
    for (const ModuleInfo& module : context.modules) {
      table.add({std::string(module.path), std::string(name(module.maturity)),
                 std::string(name(module.posture)), std::string(module.answers)});
    }
    table.write(context.out);
    return kExitClean;
  }

 private:
  OutputFormat format_ = OutputFormat::table;
};

}  // namespace

std::unique_ptr<Command> modules_command() { return std::make_unique<ModulesCommand>(); }

}  // namespace davy::cli
