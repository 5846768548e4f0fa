#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "core/rule.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/output_format.h"
#include "surfaces/cli/table.h"

namespace davy::cli {
namespace {

constexpr std::size_t kMaxSuggestions = 8;

// The nearest id, and those that hold the word.
std::vector<std::string> suggestions(const std::string& word) {
  std::vector<std::string> all;
  for (const RuleInfo& rule : catalogue()) all.emplace_back(rule.id);
  std::vector<std::string> out;
  if (auto near = nearest(word, all)) out.push_back(*std::move(near));
  for (const std::string& id : all) {
    if (out.size() >= kMaxSuggestions) break;
    if (word.size() >= 3 && id.find(word) != std::string::npos && (out.empty() || out[0] != id)) {
      out.push_back(id);
    }
  }
  return out;
}

class ExplainCommand final : public Command {
 public:
  std::string_view path() const noexcept override { return "explain"; }
  std::string_view summary() const noexcept override {
    return "Explain a rule: why it is there and what to do";
  }
  void define(CLI::App& app) override {
    app.add_option("RULE", rule_, "a rule id, as `davy rules` lists them")->required();
    add_output_option(app, format_);
  }

  int run(CommandContext& context) override {
    const auto found = find_rule(rule_);
    if (!found) {
      context.err << "davy: there is no rule \"" << printable(rule_, 100) << "\"\n";
      const auto near = suggestions(rule_);
      if (near.empty()) {
        context.err << "  = `davy rules` lists all\n";
      } else {
        context.err << "  = did you mean " << join(near, ", ") << "?\n";
      }
      return kExitTrouble;
    }
    if (format_ == OutputFormat::json) {
      write_json(context.out, info(*found));
    } else {
      write_text(context.out, info(*found));
    }
    return kExitClean;
  }

 private:
  static void write_text(std::ostream& out, const RuleInfo& rule) {
    out << rule.id << ": " << rule.title << "\n\n";
    out << "severity " << name(rule.severity) << ", default mode " << name(rule.default_mode)
        << ", pillar " << rule.pillar << ", since " << rule.since << "\n\n";
    out << "Why\n" << wrapped(rule.why, 2) << '\n';
    out << "What to do\n" << wrapped(rule.fix, 2) << '\n';
    out << "References\n";
    for (const Reference& reference : rule.references) {
      out << "  " << reference.framework << " (" << reference.edition << "): " << reference.id
          << '\n';
    }
  }

  static void write_json(std::ostream& out, const RuleInfo& rule) {
    boost::json::array references;
    for (const Reference& reference : rule.references) {
      references.push_back({{"framework", reference.framework},
                            {"edition", reference.edition},
                            {"id", reference.id}});
    }
    out << boost::json::object{{"rule", rule.id},
                               {"title", rule.title},
                               {"pillar", rule.pillar},
                               {"severity", name(rule.severity)},
                               {"default_mode", name(rule.default_mode)},
                               {"since", rule.since},
                               {"why", rule.why},
                               {"fix", rule.fix},
                               {"references", references}}
        << '\n';
  }

  std::string rule_;
  OutputFormat format_ = OutputFormat::table;
};

}  // namespace

std::unique_ptr<Command> explain_command() { return std::make_unique<ExplainCommand>(); }

}  // namespace davy::cli
