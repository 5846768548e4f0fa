// Which mode each rule has: catalogue defaults, then the project's `rules:`, then the
// organisation's floors.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "core/rule.h"

namespace davy {

// One line of `rules:`; `pattern` is an exact id or a prefix that ends in ".*".
struct ModeSetting {
  std::string pattern;
  Mode mode = Mode::observe;
  Place place;
};

// Immutable after it was made; reading is thread-safe.
class RuleModes {
 public:
  // The catalogue's defaults alone. Rules newer than `edition` ("" = all) are at most observe.
  [[nodiscard]] static RuleModes defaults(std::string_view edition = {});
  // Every rule in one mode, as commands without a configuration do.
  [[nodiscard]] static RuleModes all(Mode mode);

  // Applies settings: for each rule the longest matching pattern wins, and an exact id
  // beats any prefix; of two equal patterns the later one. An unknown id or a prefix
  // that matches no rule is an error with its place and the nearest id.
  [[nodiscard]] Result<void> apply(const std::vector<ModeSetting>& settings);
  // As apply, but only ever makes a rule stricter. Call it last.
  [[nodiscard]] Result<void> apply_floor(const std::vector<ModeSetting>& floors);

  void set(RuleId rule, Mode mode) { modes_[rule.index] = mode; }
  [[nodiscard]] Mode mode(RuleId rule) const noexcept { return modes_[rule.index]; }

 private:
  std::vector<Mode> modes_;
};

}  // namespace davy
