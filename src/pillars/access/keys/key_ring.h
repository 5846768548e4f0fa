// The live table of keys: outlives snapshots, is read by every request.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/state_store.h"
#include "mechanisms/crypto/sha256.h"
#include "pillars/access/keys/pepper.h"

namespace davy::access {

struct KeyVerdict {
  enum class Kind : std::uint8_t { good, malformed, unknown, revoked, expired };
  Kind kind = Kind::malformed;
  // Set when the key is one of ours: good, revoked or expired.
  std::string id;
  std::string experiment;
};

// Readers never block: they look at an immutable table through an atomic pointer and
// announce themselves in a per-thread cell; `reload` frees the old table when every
// cell has been seen empty.
//
// A well-formed key costs the same whether its id is known or not: one HMAC, one
// look-up, one comparison in constant time.
class KeyRing {
 public:
  explicit KeyRing(Pepper pepper);
  ~KeyRing();
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  [[nodiscard]] KeyVerdict check(std::string_view key, WallTime now) const;

  // Takes over the keys of the store; in force when it returns. On an error (a record
  // that cannot be read, a pepper that is not the keys') the old table stays.
  [[nodiscard]] Result<void> reload(const StateStore& store);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] const Pepper& pepper() const noexcept { return pepper_; }
  // Hex HMAC of a key under the pepper, as the store keeps it.
  [[nodiscard]] std::string hmac_hex(std::string_view key) const;

 private:
  struct Table;
  class Reading;
  struct alignas(64) Cell {
    std::atomic<std::uint32_t> readers{0};
  };
  static constexpr std::size_t kCells = 64;

  Pepper pepper_;
  crypto::HmacKey hmac_;
  std::atomic<const Table*> table_;
  mutable std::array<Cell, kCells> cells_;
  std::mutex reload_mutex_;
};

}  // namespace davy::access
