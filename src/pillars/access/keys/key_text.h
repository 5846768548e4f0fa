// The text of a key: davy_<id>_<secret><crc>
//
//   id      12 base62 characters; public: it names the key in lists, events and orders
//   secret  43 base62 characters (256 bits)
//   crc     6 base62 digits: base62(crc32(all that stands before), 6)
//
// The check digits let a secret scanner recognise a key, and let us refuse a damaged
// one before any look-up.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace davy::access {

inline constexpr std::string_view kKeyPrefix = "davy_";
inline constexpr std::size_t kKeyIdSize = 12;
inline constexpr std::size_t kKeySecretSize = 43;
inline constexpr std::size_t kKeyCrcSize = 6;
inline constexpr std::size_t kKeySize =
    kKeyPrefix.size() + kKeyIdSize + 1 + kKeySecretSize + kKeyCrcSize;

// Views into the key's text.
struct KeyParts {
  std::string_view id;
  std::string_view secret;
};

// Nothing unless `text` is a whole key with right check digits. Looks at no state.
[[nodiscard]] std::optional<KeyParts> parse_key(std::string_view text) noexcept;

// Whether `text` has the form of a key's id.
[[nodiscard]] bool is_key_id(std::string_view text) noexcept;

// `id` and `secret` must have their forms (asserted).
[[nodiscard]] Secret format_key(std::string_view id, std::string_view secret);

// A new key from the kernel's random numbers.
[[nodiscard]] Secret new_key();

}  // namespace davy::access
