// What the oracles share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace davy::dialects {

inline void require(bool condition) {
  if (!condition) std::abort();
}

inline bool inside_character(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xC0) == 0x80;
}

}  // namespace davy::dialects
