// State that outlives the process: keys, experiments' stages, approvals, counters.
//
// One process writes a home (mechanisms/store/home.h). Every change is an order: one
// row in the orders table and its effects, in one transaction. So who changed what and
// when has an answer, and a reader that remembers the last order sees what is new.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace davy {

// One effect on one table; without a value the key is erased.
struct Change {
  std::string table;                 // [a-z_]{1,64}
  std::string key;                   // 1 to 512 bytes
  std::optional<std::string> value;  // up to 1 MiB, usually JSON
};

struct Order {
  std::uint64_t sequence = 0;  // from 1, without gaps; set by the store
  WallTime time;
  std::string actor;    // "cli uid 1000", "admin api"
  std::string verb;     // "key.create"
  std::string subject;  // what it was done to; never a secret
};

// Thread-safe.
class StateStore {
 public:
  virtual ~StateStore() = default;

  [[nodiscard]] virtual Result<std::optional<std::string>> get(std::string_view table,
                                                               std::string_view key) const = 0;
  // Rows in the order of their keys (bytes). The callback must not call the store.
  [[nodiscard]] virtual Result<void> scan(
      std::string_view table,
      const std::function<void(std::string_view key, std::string_view value)>& row) const = 0;

  // All or nothing, and on disk when it returns. Gives the order's sequence.
  [[nodiscard]] virtual Result<std::uint64_t> apply(const Order& order,
                                                    std::span<const Change> changes) = 0;

  // Sequence of the last order, 0 if there is none.
  [[nodiscard]] virtual Result<std::uint64_t> last_order() const = 0;
  // Orders after `sequence`, oldest first, at most `limit`.
  [[nodiscard]] virtual Result<std::vector<Order>> orders_after(std::uint64_t sequence,
                                                                std::size_t limit) const = 0;
};

}  // namespace davy
