// Addresses of clients and sets of them.
//
// An IPv4 address mapped into IPv6 (::ffff:192.0.2.7) is the IPv4 address, everywhere: two
// spellings of one machine must not be two clients.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace davy {

struct Address {
  enum class Family : std::uint8_t {
    unknown,  // the peer is gone, or its address was not told
    local,    // the other end of a Unix socket
    v4,
    v6,
  };
  Family family = Family::unknown;
  std::array<unsigned char, 16> bytes{};  // v4: the first four; network order

  [[nodiscard]] static Address local() noexcept { return {Family::local, {}}; }
  [[nodiscard]] static Address v4(const unsigned char* four_bytes) noexcept;
  // Unmaps.
  [[nodiscard]] static Address v6(const unsigned char* sixteen_bytes) noexcept;

  // "192.0.2.7", "2001:db8::1" (RFC 5952), "unix", "unknown".
  [[nodiscard]] std::string text() const;
  // 127.0.0.0/8, ::1 and local.
  [[nodiscard]] bool loopback() const noexcept;
  bool operator==(const Address&) const = default;
};

// One address in the usual forms, without brackets, port, zone or blanks.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text) noexcept;

// Immutable once filled; asking is thread-safe. A few compares for each block.
class AddressSet {
 public:
  // Far above what a list by hand needs; the largest published list of a cloud's proxies
  // has some hundreds.
  static constexpr std::size_t kMaxBlocks = 10'000;

  // "10.0.0.0/8", "192.0.2.7", "2001:db8::/32", or "unix" for whoever comes over a Unix
  // socket. Bits behind the prefix are invalid_input: they tell of a slip.
  [[nodiscard]] Result<void> add(std::string_view text);

  [[nodiscard]] bool contains(const Address& address) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return blocks_.empty() && !local_; }
  // Whether every address of IPv4 or of IPv6 is in it by one block.
  [[nodiscard]] bool has_everyone() const noexcept;

 private:
  struct Block {
    Address first;
    unsigned prefix = 0;
  };
  std::vector<Block> blocks_;
  bool local_ = false;
};

// Where proxies that we trust write whom they saw. The other one is ignored: a proxy that
// does not know it passes on what the client made up.
enum class ForwardedBy : std::uint8_t { x_forwarded_for, forwarded };

}  // namespace davy
