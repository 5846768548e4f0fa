#include "mechanisms/dialects/identifiers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "mechanisms/formats/json_text.h"

namespace davy::dialects {
namespace {

constexpr std::size_t kMaxIdentifier = 128;
constexpr std::size_t kMaxKey = 64;

using ByteSet = std::array<bool, 256>;

constexpr ByteSet letters_digits_and(std::string_view others) {
  ByteSet set{};
  for (const char c :
       std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")) {
    set[static_cast<std::uint8_t>(c)] = true;
  }
  for (const char c : others) set[static_cast<std::uint8_t>(c)] = true;
  return set;
}
constexpr ByteSet kIdentifierBytes = letters_digits_and("_.:/@+-");
constexpr ByteSet kKeyBytes = letters_digits_and("_.$-");
constexpr ByteSet kBase64Bytes = letters_digits_and("+/-_=");

bool all_in(const ByteSet& set, std::string_view raw) noexcept {
  return std::all_of(raw.begin(), raw.end(),
                     [&](char c) { return set[static_cast<std::uint8_t>(c)]; });
}

}  // namespace

bool is_identifier(std::string_view raw) noexcept {
  return !raw.empty() && raw.size() <= kMaxIdentifier && all_in(kIdentifierBytes, raw);
}

bool is_base64(std::string_view raw) noexcept {
  const auto letter = [](char32_t c) { return c < kBase64Bytes.size() && kBase64Bytes[c]; };
  for (std::size_t at = 0; at < raw.size();) {
    if (letter(static_cast<std::uint8_t>(raw[at]))) {
      ++at;
      continue;
    }
    if (raw[at] != '\\') return false;
    const json::Character escaped = json::character_at(raw, at);
    if (!letter(escaped.code_point)) return false;
    at += escaped.raw_size;
  }
  return !raw.empty();
}

bool is_plain_key(std::string_view raw) noexcept {
  return raw.size() <= kMaxKey && all_in(kKeyBytes, raw);
}

}  // namespace davy::dialects
