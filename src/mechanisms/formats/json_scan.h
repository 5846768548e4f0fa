// The inner loops of the JSON index: skipping what is plain in a string, comparing keys.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace davy::json {

// The first byte from `at` on that ends a plain run: a quote, a backslash or a control
// character; text.size() if there is none. `high` is set if the run has a byte >= 0x80.
inline std::size_t end_of_run(std::string_view text, std::size_t at, bool& high) noexcept {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i control = _mm_set1_epi8(0x1F);
  while (text.size() - at >= sizeof(__m128i)) {
    __m128i bytes;
    std::memcpy(&bytes, text.data() + at, sizeof(bytes));
    const __m128i ends =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    const auto end_mask = static_cast<std::uint32_t>(_mm_movemask_epi8(ends));
    const auto high_mask = static_cast<std::uint32_t>(_mm_movemask_epi8(bytes));
    if (end_mask != 0) {
      const auto run = static_cast<std::uint32_t>(__builtin_ctz(end_mask));
      high |= (high_mask & ((1U << run) - 1)) != 0;
      return at + run;
    }
    high |= high_mask != 0;
    at += sizeof(__m128i);
  }
#endif
  for (; at < text.size(); ++at) {
    const auto c = static_cast<std::uint8_t>(text[at]);
    if (c < 0x20 || c == '"' || c == '\\') break;
    high |= c >= 0x80;
  }
  return at;
}

// The first 8 bytes, the first one highest. Eight bytes from `key` on may be read.
inline std::uint64_t head_of(std::string_view key) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t head = 0;
  std::memcpy(&head, key.data(), sizeof head);
  head = __builtin_bswap64(head);
  if (key.size() >= sizeof head) return head;
  return key.empty() ? 0 : head & (~std::uint64_t{0} << (64 - 8 * key.size()));
}

inline std::uint64_t head_of_short(std::string_view key) noexcept {
  std::array<char, 8> padded{};
  std::copy_n(key.begin(), std::min(key.size(), padded.size()), padded.begin());
  return head_of({padded.data(), key.size()});
}

}  // namespace davy::json
