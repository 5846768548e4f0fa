// The exact forms of credentials around their anchors. Each function is a
// CredentialFormat::confirm: `text` is cut to the allowed context, the anchor stands at
// `at`. No state, no allocation but in decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace davy::text::forms {

using Found = std::optional<Span>;

enum class Set : std::uint8_t {
  alnum,     // 0-9 A-Z a-z
  url_safe,  // alnum - _
  dashed,    // alnum -
  hex,       // 0-9 a-f
  any_hex,   // 0-9 a-f A-F
  base32,    // A-Z 2-7
  base64,    // alnum + /
  digits,
  upper,  // A-Z 0-9
};
[[nodiscard]] bool in_set(char c, Set set) noexcept;

// How many characters of `set` stand from `at` on, at most `limit`.
[[nodiscard]] std::size_t run_of(std::string_view text, std::size_t at, Set set,
                                 std::size_t limit) noexcept;

// No letter, digit or underscore directly before (or at) `at`.
[[nodiscard]] bool begins_word(std::string_view text, std::size_t at) noexcept;
[[nodiscard]] bool ends_word(std::string_view text, std::size_t at) noexcept;

// Whether a secret of that form was drawn at random: not EXAMPLE, not counted up, not one
// character over and over, and at least 2.8 bits a character (random hex of 32 characters
// has about 3.7, "aaaabbbb…" 1).
[[nodiscard]] bool looks_random(std::string_view body) noexcept;

// What people write in place of a password: ${VAR}, <password>, ****, "changeme", …
[[nodiscard]] bool is_placeholder(std::string_view password) noexcept;

// The anchor, then `min` to `max` characters of a set that were drawn at random, as a word.
struct Shape {
  Set set;
  std::size_t min;
  std::size_t max;
};
[[nodiscard]] Found shaped(std::string_view text, std::size_t at, std::size_t anchor_size,
                           Shape shape);
template <Set set, std::size_t min, std::size_t max>
[[nodiscard]] Found shape(std::string_view text, std::size_t at, std::size_t anchor_size) {
  return shaped(text, at, anchor_size, {set, min, max});
}

[[nodiscard]] Found github_token(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found github_pat(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found davy_key(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found jwt(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found private_key(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found aws_secret_key(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found openai_key(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found slack_webhook(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found discord_webhook(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found sendgrid_key(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found database_url(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found azure_storage_key(std::string_view text, std::size_t at,
                                      std::size_t anchor_size);
[[nodiscard]] Found gitlab_token(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found telegram_bot_token(std::string_view text, std::size_t at,
                                       std::size_t anchor_size);
[[nodiscard]] Found grafana_token(std::string_view text, std::size_t at, std::size_t anchor_size);
[[nodiscard]] Found langsmith_key(std::string_view text, std::size_t at, std::size_t anchor_size);

}  // namespace davy::text::forms
