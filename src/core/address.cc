#include "core/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace davy {
namespace {

constexpr std::array<unsigned char, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
constexpr unsigned kMappedBits = 96;

unsigned bits(Address::Family family) noexcept { return family == Address::Family::v4 ? 32 : 128; }

// Whether the bits from `prefix` on are all zero.
bool rest_is_zero(const Address& address, unsigned prefix) noexcept {
  for (unsigned bit = prefix; bit < bits(address.family); ++bit) {
    if ((address.bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

bool same_prefix(const Address& a, const Address& b, unsigned prefix) noexcept {
  const unsigned whole = prefix / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

}  // namespace

Address Address::v4(const unsigned char* four_bytes) noexcept {
  Address out{Family::v4, {}};
  std::copy_n(four_bytes, 4, out.bytes.begin());
  return out;
}

Address Address::v6(const unsigned char* sixteen_bytes) noexcept {
  if (std::equal(kMapped.begin(), kMapped.end(), sixteen_bytes)) return v4(sixteen_bytes + 12);
  Address out{Family::v6, {}};
  std::copy_n(sixteen_bytes, 16, out.bytes.begin());
  return out;
}

std::string Address::text() const {
  if (family == Family::unknown) return "unknown";
  if (family == Family::local) return "unix";
  std::array<char, INET6_ADDRSTRLEN> out{};
  const int af = family == Family::v4 ? AF_INET : AF_INET6;
  return inet_ntop(af, bytes.data(), out.data(), out.size()) != nullptr ? out.data() : "unknown";
}

bool Address::loopback() const noexcept {
  switch (family) {
    case Family::unknown: return false;
    case Family::local: return true;
    case Family::v4: return bytes[0] == 127;
    case Family::v6: return std::count(bytes.begin(), bytes.end(), 0) == 15 && bytes[15] == 1;
  }
  return false;
}

std::optional<Address> parse_address(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) return std::nullopt;
  text.copy(copy.data(), text.size());
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, copy.data(), bytes.data()) == 1) return Address::v4(bytes.data());
  if (inet_pton(AF_INET6, copy.data(), bytes.data()) == 1) return Address::v6(bytes.data());
  return std::nullopt;
}

Result<void> AddressSet::add(std::string_view text) {
  constexpr std::string_view kHint = "e.g. 10.0.0.0/8, 192.0.2.7, 2001:db8::/32 or unix";
  if (text == "unix") {
    local_ = true;
    return {};
  }
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return invalid_input("neither an address nor a block", {}, std::string(kHint));
  // A mapped block is written with the prefix of IPv6.
  const bool mapped = address->family == Address::Family::v4 && text.find(':') < slash;
  const unsigned most = mapped ? 128 : bits(address->family);
  const unsigned least = mapped ? kMappedBits : 0;
  unsigned prefix = most;
  if (slash != std::string_view::npos) {
    const auto number = to_number(text.substr(slash + 1));
    if (!number || *number > most || *number < least) {
      return invalid_input(
          "the prefix is no number from " + std::to_string(least) + " to " + std::to_string(most),
          {}, std::string(kHint));
    }
    prefix = static_cast<unsigned>(*number);
  }
  prefix -= least;
  if (!rest_is_zero(*address, prefix)) {
    return invalid_input("the address has bits behind its prefix", {},
                         "write the block's first address, or one address without a prefix");
  }
  if (blocks_.size() >= kMaxBlocks) {
    return limit_reached("more than " + std::to_string(kMaxBlocks) + " blocks");
  }
  blocks_.push_back({*address, prefix});
  return {};
}

bool AddressSet::contains(const Address& address) const noexcept {
  if (address.family == Address::Family::local) return local_;
  return std::any_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
    return block.first.family == address.family && same_prefix(block.first, address, block.prefix);
  });
}

bool AddressSet::has_everyone() const noexcept {
  return std::any_of(blocks_.begin(), blocks_.end(),
                     [](const Block& block) { return block.prefix == 0; });
}

}  // namespace davy
