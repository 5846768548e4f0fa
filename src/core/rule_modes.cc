#include "core/rule_modes.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "base/strings.h"

namespace davy {
namespace {

bool is_prefix(std::string_view pattern) noexcept { return pattern.ends_with(".*"); }

// How well a pattern fits an id: 0 = not at all, longer prefixes more, an exact id most.
std::size_t fit(std::string_view pattern, std::string_view id) noexcept {
  if (pattern == id) return pattern.size() + 1;
  if (!is_prefix(pattern)) return 0;
  pattern.remove_suffix(1);
  return id.starts_with(pattern) ? pattern.size() : 0;
}

// Every id, and every prefix that matches one.
std::vector<std::string> known_patterns() {
  std::vector<std::string> all;
  for (const RuleInfo& rule : catalogue()) {
    all.emplace_back(rule.id);
    for (std::size_t dot = rule.id.find('.'); dot != std::string_view::npos;
         dot = rule.id.find('.', dot + 1)) {
      all.push_back(std::string(rule.id.substr(0, dot)) + ".*");
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Error unknown_pattern(const ModeSetting& setting) {
  const std::string shown = printable(setting.pattern, 100);
  const auto near = nearest(setting.pattern, known_patterns());
  std::string hint = near ? "did you mean " + *near + "? " : "";
  hint += "`davy rules` lists all";
  if (setting.pattern.find('*') != std::string::npos && !is_prefix(setting.pattern)) {
    return invalid_input("\"" + shown + "\" is neither a rule id nor a prefix that ends in \".*\"",
                         setting.place, std::move(hint));
  }
  return invalid_input(is_prefix(setting.pattern) ? "no rule begins with \"" + shown + "\""
                                                  : "there is no rule \"" + shown + "\"",
                       setting.place, std::move(hint));
}

// For each rule the setting that decides it, or null.
Result<std::vector<const ModeSetting*>> decide(const std::vector<ModeSetting>& settings) {
  const auto rules = catalogue();
  std::vector<const ModeSetting*> winner(rules.size(), nullptr);
  std::vector<std::size_t> best(rules.size(), 0);
  for (const ModeSetting& setting : settings) {
    bool matched = false;
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::size_t fits = fit(setting.pattern, rules[i].id);
      if (fits == 0) continue;
      matched = true;
      if (fits >= best[i]) {
        best[i] = fits;
        winner[i] = &setting;
      }
    }
    if (!matched) return unknown_pattern(setting);
  }
  return winner;
}

}  // namespace

RuleModes RuleModes::defaults(std::string_view edition) {
  RuleModes modes;
  modes.modes_.reserve(catalogue().size());
  for (const RuleInfo& rule : catalogue()) {
    // Editions are "YYYY.MM", so their order is that of their text.
    const bool newer = !edition.empty() && rule.since > edition;
    modes.modes_.push_back(newer ? std::min(rule.default_mode, Mode::observe) : rule.default_mode);
  }
  return modes;
}

RuleModes RuleModes::all(Mode mode) {
  RuleModes modes;
  modes.modes_.assign(catalogue().size(), mode);
  return modes;
}

Result<void> RuleModes::apply(const std::vector<ModeSetting>& settings) {
  DAVY_ASSIGN(const auto winner, decide(settings));
  for (std::size_t i = 0; i < modes_.size(); ++i) {
    if (winner[i] != nullptr) modes_[i] = winner[i]->mode;
  }
  return {};
}

Result<void> RuleModes::apply_floor(const std::vector<ModeSetting>& floors) {
  DAVY_ASSIGN(const auto winner, decide(floors));
  for (std::size_t i = 0; i < modes_.size(); ++i) {
    if (winner[i] != nullptr) modes_[i] = std::max(modes_[i], winner[i]->mode);
  }
  return {};
}

}  // namespace davy
