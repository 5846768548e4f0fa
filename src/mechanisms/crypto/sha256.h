// SHA-256 and HMAC-SHA-256 (FIPS 180-4, RFC 2104), over OpenSSL.
//
// Both fail only where OpenSSL has no memory or no provider left; then they end the
// process, since no caller could go on safely. Thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace davy::crypto {

using Digest = std::array<std::uint8_t, 32>;

[[nodiscard]] Digest sha256(std::string_view bytes);
// Lower-case hex, 64 characters.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);
[[nodiscard]] std::string to_hex(const Digest& digest);
// Nothing but 64 hex digits becomes a digest; `out` is untouched otherwise.
[[nodiscard]] bool from_hex(std::string_view hex, Digest& out);

// In a time that does not depend on the bytes.
[[nodiscard]] bool equal_constant_time(const Digest& a, const Digest& b) noexcept;

// SHA-256 over pieces, for what is too large to hold at once. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  // Once, last.
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// HMAC-SHA-256 under one key. The two key blocks are hashed once, when it is made, so a
// short message costs three or four compressions. Immutable: threads may share it.
class HmacKey {
 public:
  explicit HmacKey(const Secret& key);
  ~HmacKey();
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;

  [[nodiscard]] Digest sign(std::string_view message) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] Digest hmac_sha256(const Secret& key, std::string_view message);

}  // namespace davy::crypto
