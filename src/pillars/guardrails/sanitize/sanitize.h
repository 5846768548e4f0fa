// The phrase list: denies text that holds a configured phrase.
//
//   guardrails:
//     sanitize:
//       phrases: ["ignore previous instructions", …]
//       builtin: article        # the list of the article, less its empty phrase
//
// Without the section there is no stage. Judged are segments of users, tools and documents,
// one by one; never what the operator or the model wrote.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/module.h"
#include "core/stage.h"

namespace davy::sanitize {

inline constexpr std::string_view kName = "guardrails.sanitize";

// In code points of the normal form; a shorter phrase stands in almost every text.
inline constexpr std::size_t kMinPhrase = 4;
inline constexpr std::size_t kMaxPhrases = 10'000;
inline constexpr std::size_t kMaxPhraseBytes = 1024;

struct SanitizeConfig final : ConfigValue {
  bool present = false;
  std::vector<std::string> phrases;  // as they were written
};

[[nodiscard]] std::unique_ptr<ConfigSection> config_section();

// Null when nothing is configured. An error when the list cannot be compiled.
[[nodiscard]] Result<std::unique_ptr<const Stage>> make_stage(const Config& config);

[[nodiscard]] ModuleInfo module_info() noexcept;

}  // namespace davy::sanitize
