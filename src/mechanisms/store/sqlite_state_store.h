// StateStore in home/state.sqlite: SQLite with a write-ahead log, synchronous FULL, so
// an order that was answered survives kill -9 and a power cut.
//
// Schema version 1 (PRAGMA user_version):
//   state(tbl TEXT, key BLOB, value BLOB, PRIMARY KEY(tbl, key)) WITHOUT ROWID
//   orders(sequence INTEGER PRIMARY KEY, time INTEGER /* µs since 1970 */, actor, verb, subject)
#pragma once

#include <memory>
#include <mutex>

#include "core/state_store.h"
#include "mechanisms/store/home.h"

namespace davy::store {

// Bounds of core/state_store.h.
inline constexpr std::size_t kMaxTableName = 64;
inline constexpr std::size_t kMaxKey = 512;
inline constexpr std::size_t kMaxValue = 1 << 20;

// Thread-safe: one connection behind a mutex. Errors: a value out of bounds is
// invalid_input, a full disk or a busy file unavailable, a damaged file internal with
// what to do.
class SqliteStateStore final : public StateStore {
 public:
  // The lock is asked for to be sure that the caller is the one writer; it must outlive
  // the store. Makes the file at first use, checks it at each.
  [[nodiscard]] static Result<std::unique_ptr<SqliteStateStore>> open(const Home& home,
                                                                      const HomeLock& lock);
  ~SqliteStateStore() override;

  [[nodiscard]] Result<std::optional<std::string>> get(std::string_view table,
                                                       std::string_view key) const override;
  [[nodiscard]] Result<void> scan(
      std::string_view table,
      const std::function<void(std::string_view key, std::string_view value)>& row) const override;
  [[nodiscard]] Result<std::uint64_t> apply(const Order& order,
                                            std::span<const Change> changes) override;
  [[nodiscard]] Result<std::uint64_t> last_order() const override;
  [[nodiscard]] Result<std::vector<Order>> orders_after(std::uint64_t sequence,
                                                        std::size_t limit) const override;

 private:
  struct Connection;
  explicit SqliteStateStore(std::unique_ptr<Connection> connection);
  [[nodiscard]] Result<void> write_order(const Order& order, std::uint64_t sequence,
                                         std::span<const Change> changes);

  mutable std::mutex mutex_;
  std::unique_ptr<Connection> connection_;  // guarded by mutex_
};

}  // namespace davy::store
