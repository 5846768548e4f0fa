#include "pillars/access/keys/key_orders.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/files.h"
#include "base/strings.h"
#include "mechanisms/store/home.h"
#include "pillars/access/keys/key_record.h"
#include "pillars/access/keys/key_text.h"

namespace davy::access {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxExperiment = 128;  // core/settings.cc
constexpr std::size_t kMaxNote = 200;
constexpr std::uint64_t kMaxDays = 3650;

// An argument that is absent is empty; one that is empty means nothing either.
struct Arguments {
  json::object object;
  std::string_view text(std::string_view key) const {
    const json::value* const value = object.if_contains(key);
    return value != nullptr ? std::string_view(value->get_string()) : std::string_view();
  }
};

// Every argument is a text of a name that the order knows.
Result<Arguments> read_arguments(const OrderRequest& request,
                                 std::initializer_list<std::string_view> known) {
  json::error_code code;
  json::value value = json::parse(request.arguments, code);
  if (code || !value.is_object()) return invalid_input("the arguments are no JSON object");
  for (const auto& [key, argument] : value.get_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(key)) == known.end()) {
      return invalid_input(fmt::format("{} has no argument '{}'", request.verb,
                                       printable(std::string_view(key), 64)));
    }
    if (!argument.is_string()) {
      return invalid_input(fmt::format("the argument '{}' is no text", std::string_view(key)));
    }
  }
  return Arguments{std::move(value.get_object())};
}

Result<void> check_experiment(std::string_view name) {
  if (name.empty()) {
    return invalid_input("a key belongs to an experiment", {}, "give --experiment NAME");
  }
  const bool fine = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (!fine || name.size() > kMaxExperiment) {
    return invalid_input("no experiment can have this name", {},
                         "up to 128 letters, digits and . _ -");
  }
  return {};
}

Result<void> check_note(std::string_view note, std::string_view what) {
  if (note.size() > kMaxNote) {
    return invalid_input(fmt::format("a {} has at most {} bytes", what, kMaxNote));
  }
  if (printable(note, 4 * kMaxNote) != note) {
    return invalid_input(fmt::format("a {} is one line of printable text", what));
  }
  return {};
}

// "2027-03-31", or "90d": that many days from today.
Result<std::optional<std::chrono::sys_days>> read_expiry(std::string_view text, WallTime now) {
  if (text.empty()) return std::optional<std::chrono::sys_days>();
  const auto today = std::chrono::floor<std::chrono::days>(now);
  std::optional<std::chrono::sys_days> last = parse_date(text);
  if (!last && text.ends_with('d')) {
    const auto days = to_number(text.substr(0, text.size() - 1));
    if (days && *days >= 1 && *days <= kMaxDays) last = today + std::chrono::days(*days);
  }
  if (!last) {
    return invalid_input("when the key expires cannot be read", {},
                         "write the last day (2027-03-31) or a number of days, 1d to 3650d");
  }
  if (*last < today) {
    return invalid_input(fmt::format("{} is in the past", date_text(*last)), {},
                         "give a day on which the key shall still serve");
  }
  return last;
}

Result<std::vector<KeyRecord>> all_records(const StateStore& store) {
  std::vector<KeyRecord> records;
  std::optional<Error> bad;
  DAVY_TRY(store.scan(kKeysTable, [&](std::string_view, std::string_view text) {
    auto record = key_record_from_json(text);
    if (record) {
      records.push_back(std::move(record).value());
    } else if (!bad) {
      bad = std::move(record).error();
    }
  }));
  if (bad) return *std::move(bad);
  return records;
}

json::object public_part(const KeyRecord& record, WallTime now) {
  json::object out{{"id", record.id},
                   {"experiment", record.experiment},
                   {"created", record.created},
                   {"created_by", record.created_by},
                   {"note", record.note}};
  if (record.expires) out["expires"] = date_text(*record.expires);
  if (record.revoked) out["revoked"] = *record.revoked;
  out["state"] = record.revoked ? "revoked" : record.expired(now) ? "expired" : "active";
  return out;
}

}  // namespace

KeyOrders::KeyOrders(KeyRing& ring, Control& control) : ring_(&ring), control_(&control) {}
KeyOrders::KeyOrders(std::string home) : home_(std::move(home)) {}

std::vector<std::string_view> KeyOrders::verbs() const {
  return {"key.create", "key.list", "key.revoke"};
}

Result<std::string> KeyOrders::carry_out(const OrderRequest& request, StateStore& store, Now now) {
  if (request.verb == "key.create") return create(request, store, now);
  if (request.verb == "key.list") return list(request, store, now);
  if (request.verb == "key.revoke") return revoke(request, store, now);
  return invalid_input(fmt::format("keys do not know the order '{}'", printable(request.verb, 64)));
}

// The ring of this server, or one for this order alone.
Result<KeyRing*> KeyOrders::ring(std::string_view pepper_argument, const StateStore& store) {
  if (ring_ != nullptr) return ring_;
  std::string path(pepper_argument);
  if (path.empty()) {
    DAVY_ASSIGN(const std::optional<std::string> recorded, recorded_pepper_path(store));
    path = recorded.value_or(resolve(home_, store::kPepperFile));
  }
  DAVY_ASSIGN(Pepper pepper, open_pepper(path, store));
  own_ring_ = std::make_unique<KeyRing>(std::move(pepper));
  return own_ring_.get();
}

Result<std::string> KeyOrders::create(const OrderRequest& request, StateStore& store, Now now) {
  DAVY_ASSIGN(const Arguments arguments,
              read_arguments(request, {"experiment", "note", "expires", "pepper"}));
  DAVY_TRY(check_experiment(arguments.text("experiment")));
  DAVY_TRY(check_note(arguments.text("note"), "note"));
  KeyRecord record;
  DAVY_ASSIGN(record.expires, read_expiry(arguments.text("expires"), now.wall));
  DAVY_ASSIGN(const KeyRing* const keys, ring(arguments.text("pepper"), store));
  const Secret key = new_key();
  record.id = parse_key(key.expose())->id;
  record.experiment = arguments.text("experiment");
  record.hmac = keys->hmac_hex(key.expose());
  record.created = rfc3339(now.wall);
  record.created_by = request.actor;
  record.note = arguments.text("note");
  const std::array changes = {Change{kKeysTable, record.id, to_json(record)},
                              pepper_record(keys->pepper())};
  DAVY_ASSIGN(const std::uint64_t sequence,
              store.apply({0, now.wall, request.actor, request.verb, record.id}, changes));
  (void)sequence;
  if (ring_ != nullptr) DAVY_TRY(ring_->reload(store));
  json::object out{{"id", record.id},
                   {"key", key.expose()},
                   {"experiment", record.experiment},
                   {"created", record.created},
                   {"note", record.note}};
  if (record.expires) out["expires"] = date_text(*record.expires);
  return json::serialize(out);
}

Result<std::string> KeyOrders::list(const OrderRequest& request, StateStore& store, Now now) {
  DAVY_ASSIGN(const Arguments arguments, read_arguments(request, {"after"}));
  DAVY_ASSIGN(const std::vector<KeyRecord> records, all_records(store));
  json::array keys;
  std::string next;
  for (const KeyRecord& record : records) {  // ordered by id
    if (std::string_view(record.id) <= arguments.text("after")) continue;
    if (keys.size() == kKeysAPage) {
      next = std::string_view(keys.back().at("id").get_string());
      break;
    }
    keys.push_back(public_part(record, now.wall));
  }
  json::object out{{"keys", std::move(keys)}};
  if (!next.empty()) out["next"] = next;
  return json::serialize(out);
}

Result<std::string> KeyOrders::revoke(const OrderRequest& request, StateStore& store, Now now) {
  DAVY_ASSIGN(const Arguments arguments, read_arguments(request, {"id", "reason"}));
  DAVY_TRY(check_note(arguments.text("reason"), "reason"));
  const std::string id(arguments.text("id"));
  if (!is_key_id(id)) {
    // A whole key is a likely mistake; it is not repeated, and its id is in it.
    return invalid_input("this is not the id of a key", {},
                         "an id is the 12 characters after davy_; `davy key list` shows them");
  }
  DAVY_ASSIGN(const std::optional<std::string> text, store.get(kKeysTable, id));
  if (!text) {
    return invalid_input(fmt::format("there is no key {}", id), {},
                         "`davy key list` shows the keys of this home");
  }
  DAVY_ASSIGN(KeyRecord record, key_record_from_json(*text));
  if (record.revoked) {
    return invalid_input(fmt::format("key {} was revoked already, at {}", id, *record.revoked));
  }
  record.revoked = rfc3339(now.wall);
  record.revoked_why = arguments.text("reason");
  const std::array changes = {Change{kKeysTable, id, to_json(record)}};
  DAVY_ASSIGN(const std::uint64_t sequence,
              store.apply({0, now.wall, request.actor, request.verb, id}, changes));
  (void)sequence;
  // First the live look, which also stops streams; it cannot fail for want of a file.
  if (control_ != nullptr) DAVY_TRY(control_->revoke(id, arguments.text("reason")));
  if (ring_ != nullptr) DAVY_TRY(ring_->reload(store));
  return json::serialize(json::object{{"id", id}, {"revoked", *record.revoked}});
}

Result<std::uint64_t> KeyOrders::follow(const StateStore& store, std::uint64_t sequence) {
  constexpr std::size_t kAtOnce = 1000;
  bool changed = false;
  for (;;) {
    DAVY_ASSIGN(const std::vector<Order> orders, store.orders_after(sequence, kAtOnce));
    for (const Order& order : orders) {
      sequence = order.sequence;
      if (!order.verb.starts_with("key.")) continue;
      changed = true;
      if (order.verb == "key.revoke" && control_ != nullptr) {
        DAVY_TRY(control_->revoke(order.subject, ""));
      }
    }
    if (orders.size() < kAtOnce) break;
  }
  if (changed && ring_ != nullptr) DAVY_TRY(ring_->reload(store));
  return sequence;
}

}  // namespace davy::access
