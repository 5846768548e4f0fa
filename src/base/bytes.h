// Bytes as text: hex, base64, UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace davy {

// A half-open range of byte offsets, [begin, end).
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] std::size_t size() const noexcept { return end - begin; }
  [[nodiscard]] bool empty() const noexcept { return begin >= end; }
  bool operator==(const Span&) const = default;
};

// The part of `text` that `span` names; the span must lie inside.
[[nodiscard]] inline std::string_view slice(std::string_view text, Span span) {
  return text.substr(span.begin, span.size());
}

// Lower-case hex, two digits a byte.
[[nodiscard]] std::string to_hex(std::string_view bytes);

// Nothing for an odd length or a digit that is none; both cases are read.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view hex);

// RFC 4648 section 4, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);

// RFC 4648 section 4 (`+/`) or section 5 (`-_`), not both; padding is whole or absent;
// left-over bits must be zero. So one byte string has few spellings. Nothing otherwise.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

// Where the first sequence begins that is not well-formed UTF-8 (Unicode 15, table 3-7:
// no overlong forms, no surrogates, nothing above U+10FFFF), or nothing if all is well.
[[nodiscard]] std::optional<std::size_t> first_invalid_utf8(std::string_view text) noexcept;

// Whether every byte is printable ASCII other than the quote and the backslash, so that a
// JSON string holds the text as it is.
[[nodiscard]] bool is_plain_text(std::string_view text) noexcept;

// Appends one code point as UTF-8; a surrogate or a value above U+10FFFF appends U+FFFD.
void append_utf8(std::string& out, char32_t code_point);

// Reads the code point at `at` in well-formed UTF-8 and moves `at` past it. An
// ill-formed byte gives U+FFFD and moves by one; the end gives U+FFFD and does not move.
[[nodiscard]] char32_t next_code_point(std::string_view text, std::size_t& at) noexcept;

// How many code points begin before byte `offset` of well-formed UTF-8.
[[nodiscard]] std::size_t code_points_before(std::string_view text, std::size_t offset) noexcept;

}  // namespace davy
