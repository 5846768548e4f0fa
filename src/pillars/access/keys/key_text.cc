#include "pillars/access/keys/key_text.h"

#include <algorithm>
#include <cassert>

#include "base/ids.h"

namespace davy::access {
namespace {

bool is_base62(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

std::optional<KeyParts> parse_key(std::string_view text) noexcept {
  if (text.size() != kKeySize || !text.starts_with(kKeyPrefix)) return std::nullopt;
  const std::string_view id = text.substr(kKeyPrefix.size(), kKeyIdSize);
  const std::string_view secret = text.substr(kKeyPrefix.size() + kKeyIdSize + 1, kKeySecretSize);
  const std::string_view crc = text.substr(kKeySize - kKeyCrcSize);
  if (text[kKeyPrefix.size() + kKeyIdSize] != '_') return std::nullopt;
  if (!is_base62(id) || !is_base62(secret)) return std::nullopt;
  if (crc != base62(crc32(text.substr(0, kKeySize - kKeyCrcSize)), kKeyCrcSize)) {
    return std::nullopt;
  }
  return KeyParts{id, secret};
}

bool is_key_id(std::string_view text) noexcept {
  return text.size() == kKeyIdSize && is_base62(text);
}

Secret format_key(std::string_view id, std::string_view secret) {
  assert(is_key_id(id) && secret.size() == kKeySecretSize && is_base62(secret));
  std::string text;
  text.reserve(kKeySize);  // no copy is left behind by growing
  text += kKeyPrefix;
  text += id;
  text += '_';
  text += secret;
  text += base62(crc32(text), kKeyCrcSize);
  return Secret(std::move(text));
}

Secret new_key() {
  std::string secret = random_base62(kKeySecretSize);
  Secret key = format_key(random_base62(kKeyIdSize), secret);
  wipe(secret.data(), secret.size());
  return key;
}

}  // namespace davy::access
