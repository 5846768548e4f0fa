// The PROXY protocol, version 2: who is at the other end of a load balancer's connection.
// https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt
//
// Version 1 is refused by name: a text line that begins like a request is not worth a
// second parser in front of every listener. TLVs are skipped unread, the checksum among
// them: the balancer is trusted or it is not spoken to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/address.h"
#include "mechanisms/net/http1/refusal.h"

namespace davy::net {

// The fixed part of 16 bytes, addresses of at most 216 and TLVs; the format allows 64 KiB.
inline constexpr std::size_t kMaxProxyHeader = 4096;

struct ProxyHeader {
  enum class Progress : std::uint8_t { need_more, complete, refused };
  Progress progress = Progress::need_more;
  std::size_t size = 0;  // complete: how many bytes of the input it takes
  // The client that the balancer saw; local() for a Unix socket. Nothing where the
  // balancer speaks for itself (LOCAL, a health check) or does not know (UNSPEC): the
  // connection's own address stays.
  std::optional<Address> client;
  const http1::RefusalInfo* why = nullptr;  // refused
};

// Reads what a connection begins with; `input` is all that has come so far. A bad byte is
// refused as soon as it is there, so more bytes never change a verdict but need_more.
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view input) noexcept;

}  // namespace davy::net
