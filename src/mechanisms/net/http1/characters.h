// Which bytes may stand where, and fast searches for the first that may not.
// Private to this folder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/strings.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace davy::http1::characters {

inline constexpr std::uint8_t kToken = 1;   // RFC 9110 5.6.2: tchar
inline constexpr std::uint8_t kTarget = 2;  // visible ASCII without `#`
inline constexpr std::uint8_t kValue = 4;   // RFC 9110 5.5: VCHAR, obs-text, space, tab
inline constexpr std::uint8_t kHost = 8;    // letters, digits, `-`, `.`, `_`
inline constexpr std::uint8_t kDigit = 16;
inline constexpr std::uint8_t kHex = 32;

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view kHostMarks = "-._";
  for (std::size_t i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool digit = i >= '0' && i <= '9';
    const char small = to_lower(c);
    const bool letter = small >= 'a' && small <= 'z';
    unsigned bits = 0;
    if (digit || letter || kTokenMarks.find(c) != std::string_view::npos) bits |= kToken;
    if (i > 0x20 && i < 0x7f && c != '#') bits |= kTarget;
    if ((i >= 0x20 && i != 0x7f) || c == '\t') bits |= kValue;
    if (digit || letter || kHostMarks.find(c) != std::string_view::npos) bits |= kHost;
    if (digit) bits |= kDigit;
    if (digit || (small >= 'a' && small <= 'f')) bits |= kHex;
    classes[i] = static_cast<std::uint8_t>(bits);
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

constexpr bool is(char c, std::uint8_t what) noexcept {
  return (kClasses[static_cast<unsigned char>(c)] & what) != 0;
}

constexpr bool all(std::string_view text, std::uint8_t what) noexcept {
  for (const char c : text) {
    if (!is(c, what)) return false;
  }
  return true;
}

// The offset of the first byte from `at` on that is not of class `what`, or text.size().
inline std::size_t skip(std::string_view text, std::size_t at, std::uint8_t what) noexcept {
  while (at < text.size() && is(text[at], what)) ++at;
  return at;
}

#ifdef __SSE2__
// As skip(), 16 bytes at a time; `bad` gives a mask of the bytes that may not stand there.
template <class Bad>
inline std::size_t skip_wide(std::string_view text, std::size_t at, std::uint8_t what,
                             Bad bad) noexcept {
  while (text.size() - at >= 16) {
    __m128i bytes;
    std::memcpy(&bytes, text.data() + at, 16);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(bad(bytes)));
    if (mask != 0) return at + static_cast<std::size_t>(__builtin_ctz(mask));
    at += 16;
  }
  return skip(text, at, what);
}
#endif

inline std::size_t skip_value(std::string_view text, std::size_t at) noexcept {
#ifdef __SSE2__
  return skip_wide(text, at, kValue, [](__m128i v) {
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    const __m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
    return _mm_or_si128(_mm_andnot_si128(tab, control), _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
  });
#else
  return skip(text, at, kValue);
#endif
}

inline std::size_t skip_target(std::string_view text, std::size_t at) noexcept {
#ifdef __SSE2__
  return skip_wide(text, at, kTarget, [](__m128i v) {
    // Signed: bytes >= 0x80 are below 0x21 too.
    const __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x21));
    const __m128i marks =
        _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)), _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));
    return _mm_or_si128(low, marks);
  });
#else
  return skip(text, at, kTarget);
#endif
}

// Names are letters, digits and `-` nearly always: those are skipped in blocks, what else
// is a token character one at a time.
inline std::size_t skip_token(std::string_view text, std::size_t at) noexcept {
#ifdef __SSE2__
  while (text.size() - at >= 16) {
    __m128i v;
    std::memcpy(&v, text.data() + at, 16);
    const auto between = [](__m128i x, char low, char high) {
      return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(static_cast<char>(low - 1))),
                           _mm_cmplt_epi8(x, _mm_set1_epi8(static_cast<char>(high + 1))));
    };
    const __m128i letter = between(_mm_or_si128(v, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digit_or_dash =
        _mm_or_si128(between(v, '0', '9'), _mm_cmpeq_epi8(v, _mm_set1_epi8('-')));
    const auto plain =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letter, digit_or_dash)));
    if (plain == 0xffff) {
      at += 16;
      continue;
    }
    at += static_cast<std::size_t>(__builtin_ctz(~plain));
    if (!is(text[at], kToken)) return at;
    ++at;
  }
#endif
  return skip(text, at, kToken);
}

// Whether `text` is `word` but for case; `word` must be in lower case.
constexpr bool is_word(std::string_view text, std::string_view word) noexcept {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (to_lower(text[i]) != word[i]) return false;
  }
  return true;
}

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

constexpr std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace davy::http1::characters
