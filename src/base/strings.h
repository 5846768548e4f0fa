// Small helpers for ASCII text. None depends on the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davy {

[[nodiscard]] constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] std::string lower(std::string_view text);

// Equal but for the case of ASCII letters.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

// Without leading and trailing space, tab, CR and LF.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

// The parts between separators; always at least one part.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);

// The whole text as a decimal number; nothing for a sign, a space, an overflow or no digit.
[[nodiscard]] std::optional<std::uint64_t> to_number(std::string_view text) noexcept;

// Levenshtein distance, for "did you mean"; both sides are cut at 64 bytes.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word` (the first of equals) that differs from it in at most
// a third of the candidate's letters, if any.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

// Whether `text` matches `pattern`, where `*` stands for any run of characters and all
// else for itself. No recursion; at worst |text| × |pattern| steps.
[[nodiscard]] bool matches_glob(std::string_view text, std::string_view pattern) noexcept;

// One printable line for a terminal or a log: control characters, escapes and
// bidirectional controls, zero-width characters and ill-formed bytes become \xNN or
// \u{NNNN}. The line has at most `limit` bytes; "…" at its end says that it was cut,
// never inside an escape or a code point. One way: a backslash of the text stays as it is.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

}  // namespace davy
