#include "pillars/access/keys/key_ring.h"

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

#include "pillars/access/keys/key_record.h"
#include "pillars/access/keys/key_text.h"

namespace davy::access {
namespace {

struct Entry {
  crypto::Digest hmac{};
  std::string experiment;
  std::optional<std::chrono::sys_days> expires;  // the last day on which it serves
  bool revoked = false;
};

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

}  // namespace

struct KeyRing::Table {
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> keys;
};

// A reader says that it reads before it looks at the pointer. In the single order of
// these operations the writer changes the pointer before it looks at the cells: so a
// reader that the writer does not see reads the new table.
class KeyRing::Reading {
 public:
  explicit Reading(const KeyRing& ring) : cell_(ring.cells_[slot()]) {
    cell_.readers.fetch_add(1, std::memory_order_seq_cst);
    table_ = ring.table_.load(std::memory_order_seq_cst);
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() { cell_.readers.fetch_sub(1, std::memory_order_seq_cst); }
  const Table& operator*() const noexcept { return *table_; }
  const Table* operator->() const noexcept { return table_; }

 private:
  static std::size_t slot() noexcept {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % kCells;
    return mine;
  }
  Cell& cell_;
  const Table* table_;
};

KeyRing::KeyRing(Pepper pepper)
    : pepper_(std::move(pepper)), hmac_(pepper_.bytes), table_(new Table) {}

KeyRing::~KeyRing() { delete table_.load(); }

KeyVerdict KeyRing::check(std::string_view key, WallTime now) const {
  using Kind = KeyVerdict::Kind;
  const std::optional<KeyParts> parts = parse_key(key);
  if (!parts) return {Kind::malformed, {}, {}};
  const crypto::Digest hmac = hmac_.sign(key);
  static constexpr crypto::Digest kNobody{};
  const Reading table(*this);
  const auto found = table->keys.find(parts->id);
  const bool known = found != table->keys.end();
  // Also for an unknown id, so that the time does not tell which ids there are.
  const bool same = crypto::equal_constant_time(hmac, known ? found->second.hmac : kNobody);
  if (!known || !same) return {Kind::unknown, {}, {}};
  const Entry& entry = found->second;
  Kind kind = Kind::good;
  if (entry.expires && std::chrono::floor<std::chrono::days>(now) > *entry.expires) {
    kind = Kind::expired;
  }
  if (entry.revoked) kind = Kind::revoked;
  return {kind, std::string(parts->id), entry.experiment};
}

Result<void> KeyRing::reload(const StateStore& store) {
  const std::lock_guard lock(reload_mutex_);  // a later look at the store wins
  // The pepper is read again: it costs nothing here, and a wrong one must be noticed.
  DAVY_ASSIGN(const Pepper still, open_pepper(pepper_.path, store));
  if (!equal_constant_time(still.bytes.expose(), pepper_.bytes.expose())) {
    return invalid_input("the pepper has changed while davy runs", {pepper_.path},
                         "put the old content back");
  }
  auto made = std::make_unique<Table>();
  std::optional<Error> bad;
  DAVY_TRY(store.scan(kKeysTable, [&](std::string_view id, std::string_view json) {
    if (bad) return;
    auto record = key_record_from_json(json);
    if (record && record->id != id) {
      bad = internal_error(fmt::format("the record of key {} has another id", id));
    } else if (!record) {
      bad = std::move(record).error();
    } else {
      Entry entry;
      (void)crypto::from_hex(record->hmac, entry.hmac);  // checked by key_record_from_json
      entry.experiment = std::move(record->experiment);
      entry.revoked = record->revoked.has_value();
      entry.expires = record->expires;
      made->keys.emplace(std::move(record->id), std::move(entry));
    }
  }));
  if (bad) return *std::move(bad);
  const std::unique_ptr<const Table> old(
      table_.exchange(made.release(), std::memory_order_seq_cst));
  // A thread holds its cell for the length of a look-up, so each is seen empty soon.
  for (const Cell& cell : cells_) {
    while (cell.readers.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  }
  return {};
}

std::size_t KeyRing::size() const {
  const Reading table(*this);
  return table->keys.size();
}

std::string KeyRing::hmac_hex(std::string_view key) const {
  return crypto::to_hex(hmac_.sign(key));
}

}  // namespace davy::access
