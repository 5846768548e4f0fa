// What needs no look: names and enumerations, told by their form.
#pragma once

#include <string_view>

namespace davy::dialects {

// 1 to 128 of [A-Za-z0-9_.:/@+-]: an id, an enumeration, the name of a model.
[[nodiscard]] bool is_identifier(std::string_view raw) noexcept;
// The inside of a JSON string that decodes to letters of base64 or base64url alone, at least
// one: what only its maker can read.
[[nodiscard]] bool is_base64(std::string_view raw) noexcept;
// Of an object: up to 64 of [A-Za-z0-9_.$-]. No @: an address is worth a look.
[[nodiscard]] bool is_plain_key(std::string_view raw) noexcept;

}  // namespace davy::dialects
