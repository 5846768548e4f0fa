// What we keep of a key: table `keys` of the StateStore, by id, as JSON. The key itself
// is not among it: its HMAC under the pepper is.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace davy::access {

inline constexpr char kKeysTable[] = "keys";

struct KeyRecord {
  std::string id;
  std::string experiment;
  std::string hmac;     // hex HMAC-SHA-256 under the pepper, over the whole key text
  std::string created;  // RFC 3339
  std::string created_by;
  std::string note;
  std::optional<std::chrono::sys_days> expires;  // the last day on which it serves, UTC
  std::optional<std::string> revoked;            // RFC 3339
  std::string revoked_why;

  [[nodiscard]] bool expired(WallTime now) const noexcept;
};

[[nodiscard]] std::string to_json(const KeyRecord& record);
[[nodiscard]] Result<KeyRecord> key_record_from_json(std::string_view json);

// "2027-03-31" of the proleptic Gregorian calendar, year 1970 to 9999.
[[nodiscard]] std::optional<std::chrono::sys_days> parse_date(std::string_view text);
[[nodiscard]] std::string date_text(std::chrono::sys_days date);

}  // namespace davy::access
