// Keys of JSON objects as programs read them for which letters of either case are the same:
// Go's encoding/json, and readers of Java and .NET that are told so. There "Model" is "model",
// and so are spellings with U+017F for s, U+212A for k, U+0130 or U+0131 for i.
#pragma once

#include <cstdint>
#include <string_view>

#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// Whether such a program takes a key, as it stands inside its quotes, for `key` (ASCII).
[[nodiscard]] bool spells(std::string_view raw, std::string_view key) noexcept;

// For the many keys that are not `key`: false if spells() is false by the first letter.
[[nodiscard]] inline bool may_spell(std::string_view raw, std::string_view key) noexcept {
  if (raw.empty() || key.empty()) return false;
  const auto first = static_cast<std::uint8_t>(raw.front());
  return (first | 0x20) == (static_cast<std::uint8_t>(key.front()) | 0x20) || first >= 0x80 ||
         first == '\\';
}

// Whether the node's key is `key` for such a program.
[[nodiscard]] bool is_spelt(const json::Index& index, json::NodeId id, std::string_view key);

// Whether a key may be another one's twin: it has a capital, an escape or a letter outside
// ASCII.
[[nodiscard]] bool is_oddly_spelt(std::string_view raw) noexcept;

// The later member of two that are one for such a program, or kNoNode.
[[nodiscard]] json::NodeId find_twin(const json::Index& index, json::NodeId object);

}  // namespace davy::dialects
