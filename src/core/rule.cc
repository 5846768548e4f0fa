#include "core/rule.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace davy {
namespace {

// Indexed by the enumerators' values.
constexpr std::array<std::string_view, 5> kSeverities{"info", "low", "medium", "high", "critical"};
constexpr std::array<std::string_view, 3> kModes{"off", "observe", "enforce"};

template <class Enum, std::size_t N>
std::optional<Enum> from(const std::array<std::string_view, N>& names, std::string_view text) {
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view name(Severity severity) noexcept {
  return kSeverities[static_cast<std::size_t>(severity)];
}

std::optional<Severity> severity_from(std::string_view text) noexcept {
  return from<Severity>(kSeverities, text);
}

std::string_view name(Mode mode) noexcept { return kModes[static_cast<std::size_t>(mode)]; }

std::optional<Mode> mode_from(std::string_view text) noexcept { return from<Mode>(kModes, text); }

const RuleInfo& info(RuleId rule) noexcept {
  assert(rule.index < catalogue().size());
  return catalogue()[rule.index];
}

std::optional<RuleId> find_rule(std::string_view id) noexcept {
  const auto rules = catalogue();
  const auto found = std::lower_bound(
      rules.begin(), rules.end(), id,
      [](const RuleInfo& rule, std::string_view wanted) { return rule.id < wanted; });
  if (found == rules.end() || found->id != id) return std::nullopt;
  return RuleId{static_cast<std::uint16_t>(found - rules.begin())};
}

}  // namespace davy
