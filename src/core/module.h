// Modules as `davy modules` lists them.
#pragma once

#include <cstdint>
#include <string_view>

namespace davy {

enum class Maturity : std::uint8_t { experimental, usable, proven };
[[nodiscard]] std::string_view name(Maturity maturity) noexcept;

// untrusted_input: may be fed by an attacker, and has a fuzzer. Nothing without a fuzzer
// may say so (checked by tools/check_modules.py). trusted_only: reads what the operator wrote.
enum class Posture : std::uint8_t { untrusted_input, trusted_only };
[[nodiscard]] std::string_view name(Posture posture) noexcept;

struct ModuleInfo {
  std::string_view path;     // below src/: "pillars/guardrails/sanitize"
  std::string_view answers;  // the question that it answers, one line
  Maturity maturity = Maturity::experimental;
  Posture posture = Posture::trusted_only;
};

}  // namespace davy
