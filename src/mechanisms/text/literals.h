// Phrases: where any of many fixed phrases stands in a text, as whole words.
//
// Phrases and text are compared in their normal form (text/normal_form.h). A phrase does
// not match inside a word: "lic" is not in "public". In scripts that are written without
// spaces between words, or that join endings to them (Han, kana, Hangul, Thai, Lao, Khmer,
// Myanmar, Tibetan), it matches anywhere.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "core/scratch.h"
#include "mechanisms/text/literal_database.h"

namespace davy::text {

struct PhraseMatch {
  std::size_t phrase = 0;  // its position in the list that was compiled
  Span span;               // bytes of the normal form
  bool operator==(const PhraseMatch&) const = default;
};

// Immutable and thread-safe.
class Phrases {
 public:
  // `phrases` as a person wrote them; white space at their ends does not count. A phrase
  // whose normal form is empty is an error of kind invalid_input, and so is an empty list.
  [[nodiscard]] static Result<Phrases> compile(std::span<const std::string> phrases);

  // All matches in `normal`, which must be a normal form, ordered by begin, then end, then
  // phrase. Stops after `limit` matches (those that end first).
  [[nodiscard]] Result<std::vector<PhraseMatch>> find(std::string_view normal, Scratch& scratch,
                                                      std::size_t limit = SIZE_MAX) const;

 private:
  Phrases(LiteralDatabase database, std::vector<std::string> phrases)
      : database_(std::move(database)), phrases_(std::move(phrases)) {}
  LiteralDatabase database_;
  std::vector<std::string> phrases_;  // normal forms
};

// A phrase in its normal form, without a space at either end.
[[nodiscard]] std::string normal_phrase(std::string_view phrase);

// Whether a word could go on across byte `at` of well-formed UTF-8: a letter, digit or
// mark on both sides, neither of a script without spaces.
[[nodiscard]] bool inside_word(std::string_view text, std::size_t at) noexcept;

}  // namespace davy::text
