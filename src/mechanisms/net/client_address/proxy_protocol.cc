#include "mechanisms/net/client_address/proxy_protocol.h"

#include <algorithm>
#include <array>

namespace davy::net {
namespace {

using http1::RefusalInfo;

// Section 2.2: no HTTP request and no TLS record begins so.
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::size_t kFixed = 16;

constexpr std::size_t kSizeV4 = 2 * 4 + 2 * 2;
constexpr std::size_t kSizeV6 = 2 * 16 + 2 * 2;
constexpr std::size_t kSizeUnix = 2 * 108;

constexpr RefusalInfo kIsVersion1{
    400, "proxy_protocol_version_1",
    "The connection begins with the PROXY protocol's version 1. Set the load balancer to send "
    "version 2."};
constexpr RefusalInfo kMissing{
    400, "proxy_protocol_missing",
    "This listener takes connections that begin with a PROXY protocol header of version 2, and "
    "this one does not. Come through the load balancer, or set it to send the header."};
constexpr RefusalInfo kVersion{400, "proxy_protocol_version",
                               "The PROXY protocol header is not of version 2. Set the load "
                               "balancer to send version 2."};
constexpr RefusalInfo kCommand{400, "proxy_protocol_command",
                               "The PROXY protocol header's command is neither LOCAL nor PROXY."};
constexpr RefusalInfo kFamily{400, "proxy_protocol_family",
                              "The PROXY protocol header is not about a stream over IPv4, IPv6 or "
                              "a Unix socket."};
constexpr RefusalInfo kShort{400, "proxy_protocol_short",
                             "The PROXY protocol header is shorter than its addresses."};
constexpr RefusalInfo kTooLarge{400, "proxy_protocol_too_large",
                                "The PROXY protocol header is larger than 4096 bytes. Have the "
                                "load balancer send fewer TLVs."};

unsigned byte(std::string_view input, std::size_t at) noexcept {
  return static_cast<unsigned char>(input[at]);
}

// Bytes of both addresses and ports; nothing for what is no stream.
std::optional<std::size_t> address_size(unsigned family_and_protocol) noexcept {
  switch (family_and_protocol) {
    case 0x00: return 0;  // UNSPEC
    case 0x11: return kSizeV4;
    case 0x21: return kSizeV6;
    case 0x31: return kSizeUnix;
    default: return std::nullopt;
  }
}

ProxyHeader refused(const RefusalInfo& why) noexcept {
  return {ProxyHeader::Progress::refused, 0, std::nullopt, &why};
}

bool begins_alike(std::string_view input, std::string_view with) noexcept {
  const std::size_t common = std::min(input.size(), with.size());
  return input.substr(0, common) == with.substr(0, common);
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view input) noexcept {
  if (!begins_alike(input, kSignature)) {
    if (!begins_alike(input, kVersion1)) return refused(kMissing);
    return input.size() < kVersion1.size() ? ProxyHeader() : refused(kIsVersion1);
  }
  std::size_t at = kSignature.size();
  if (input.size() <= at) return {};
  const unsigned version = byte(input, at) >> 4U;
  const unsigned command = byte(input, at) & 0x0FU;
  if (version != 2) return refused(kVersion);
  if (command > 1) return refused(kCommand);
  const bool local = command == 0;

  if (input.size() <= ++at) return {};
  const unsigned family = byte(input, at);
  // Of LOCAL everything behind is to be skipped, whatever it says.
  const auto addresses = local ? std::optional<std::size_t>(0) : address_size(family);
  if (!addresses) return refused(kFamily);

  if (input.size() < kFixed) {
    // The length's first byte alone can tell that it is too large.
    const bool large = input.size() == kFixed - 1 && byte(input, at + 1) > kMaxProxyHeader / 256;
    return large ? refused(kTooLarge) : ProxyHeader();
  }
  const std::size_t length = byte(input, kFixed - 2) * 256 + byte(input, kFixed - 1);
  if (kFixed + length > kMaxProxyHeader) return refused(kTooLarge);
  if (length < *addresses) return refused(kShort);
  if (input.size() < kFixed + length) return {};

  ProxyHeader out{ProxyHeader::Progress::complete, kFixed + length, std::nullopt, nullptr};
  std::array<unsigned char, 16> source{};
  for (std::size_t i = 0; i < source.size() && i < *addresses; ++i) {
    source[i] = static_cast<unsigned char>(input[kFixed + i]);
  }
  if (*addresses == kSizeV4) out.client = Address::v4(source.data());
  if (*addresses == kSizeV6) out.client = Address::v6(source.data());
  if (*addresses == kSizeUnix) out.client = Address::local();
  return out;
}

}  // namespace davy::net
