#include "pillars/access/keys/key_record.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/strings.h"
#include "mechanisms/crypto/sha256.h"
#include "pillars/access/keys/key_text.h"

namespace davy::access {
namespace {

namespace json = boost::json;

Error unreadable(std::string_view what) {
  return internal_error(fmt::format("the record of a key cannot be read: {}", what), {},
                        "restore the state from a backup");
}

// False if the value is there and no text.
bool read_text(const json::object& object, std::string_view key, std::string& out) {
  const json::value* const value = object.if_contains(key);
  if (value == nullptr) return true;
  const json::string* const text = value->if_string();
  if (text == nullptr) return false;
  out.assign(text->data(), text->size());
  return true;
}

}  // namespace

bool KeyRecord::expired(WallTime now) const noexcept {
  // In days: the nanoseconds of WallTime end in the year 2262.
  return expires && std::chrono::floor<std::chrono::days>(now) > *expires;
}

std::string to_json(const KeyRecord& record) {
  json::object object{
      {"id", record.id},           {"experiment", record.experiment}, {"hmac", record.hmac},
      {"created", record.created}, {"created_by", record.created_by}, {"note", record.note}};
  if (record.expires) object["expires"] = date_text(*record.expires);
  if (record.revoked) {
    object["revoked"] = *record.revoked;
    object["revoked_why"] = record.revoked_why;
  }
  return json::serialize(object);
}

Result<KeyRecord> key_record_from_json(std::string_view text) {
  json::error_code code;
  const json::value value = json::parse(text, code);
  if (code || !value.is_object()) return unreadable("it is no JSON object");
  const json::object& object = value.get_object();
  KeyRecord record;
  std::string expires;
  std::string revoked;
  if (!read_text(object, "id", record.id) || !read_text(object, "experiment", record.experiment) ||
      !read_text(object, "hmac", record.hmac) || !read_text(object, "created", record.created) ||
      !read_text(object, "created_by", record.created_by) ||
      !read_text(object, "note", record.note) || !read_text(object, "expires", expires) ||
      !read_text(object, "revoked", revoked) ||
      !read_text(object, "revoked_why", record.revoked_why)) {
    return unreadable("a value is no text");
  }
  crypto::Digest digest;
  if (!is_key_id(record.id)) return unreadable("the id is none");
  if (record.experiment.empty()) return unreadable("the experiment is missing");
  if (!crypto::from_hex(record.hmac, digest)) return unreadable("the HMAC is none");
  // A date that cannot be read must not make a key that never ends.
  if (object.contains("expires")) {
    record.expires = parse_date(expires);
    if (!record.expires) return unreadable("the date of expiry is none");
  }
  if (object.contains("revoked")) record.revoked = std::move(revoked);
  return record;
}

std::optional<std::chrono::sys_days> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = to_number(text.substr(0, 4));
  const auto month = to_number(text.substr(5, 2));
  const auto day = to_number(text.substr(8, 2));
  if (!year || !month || !day || *year < 1970) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::string date_text(std::chrono::sys_days date) {
  const std::chrono::year_month_day parts(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(parts.year()),
                     static_cast<unsigned>(parts.month()), static_cast<unsigned>(parts.day()));
}

}  // namespace davy::access
