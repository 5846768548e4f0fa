#include "mechanisms/dialects/spelling.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mechanisms/formats/json_text.h"

namespace davy::dialects {
namespace {

char32_t folded(char32_t c) noexcept {
  if (c >= U'A' && c <= U'Z') return c + (U'a' - U'A');
  if (c == 0x017F) return U's';
  if (c == 0x212A) return U'k';
  if (c == 0x0130 || c == 0x0131) return U'i';
  return c;
}

}  // namespace

bool spells(std::string_view raw, std::string_view key) noexcept {
  std::size_t at = 0;
  for (const char wanted : key) {
    if (at == raw.size()) return false;
    const json::Character found = json::character_at(raw, at);
    if (folded(found.code_point) != folded(static_cast<std::uint8_t>(wanted))) return false;
    at += found.raw_size;
  }
  return at == raw.size();
}

bool is_spelt(const json::Index& index, json::NodeId id, std::string_view key) {
  if (index.key_is(id, key)) return true;
  const std::string_view raw = slice(index.source(), index[id].key_span());
  return may_spell(raw, key) && spells(raw, key);
}

bool is_oddly_spelt(std::string_view raw) noexcept {
  return std::any_of(raw.begin(), raw.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '\\' || static_cast<std::uint8_t>(c) >= 0x80;
  });
}

json::NodeId find_twin(const json::Index& index, json::NodeId object) {
  std::vector<std::pair<std::u32string, json::NodeId>> keys;
  for (json::NodeId id = index.first_child(object); id != json::kNoNode; id = index[id].next) {
    std::u32string& key = keys.emplace_back(std::u32string(), id).first;
    const std::string_view raw = slice(index.source(), index[id].key_span());
    for (std::size_t at = 0; at < raw.size();) {
      const json::Character found = json::character_at(raw, at);
      key += folded(found.code_point);
      at += found.raw_size;
    }
  }
  std::sort(keys.begin(), keys.end());
  const auto twin = std::adjacent_find(
      keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.first == b.first; });
  return twin == keys.end() ? json::kNoNode : std::next(twin)->second;
}

}  // namespace davy::dialects
