// Oracles: read byte by byte, the verdict falls at one byte and no later byte changes it,
// so every split gives the same; a header that is written here from what the input says is
// read as just that.
//
// Input: the stream; its first bytes also choose the header that is written.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "mechanisms/net/client_address/proxy_protocol.h"

namespace {

using davy::Address;
using davy::net::kMaxProxyHeader;
using davy::net::ProxyHeader;
using davy::net::read_proxy_header;
using Progress = ProxyHeader::Progress;

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const ProxyHeader& a, const ProxyHeader& b) {
  return a.progress == b.progress && a.size == b.size && a.client == b.client && a.why == b.why;
}

void check_splits(std::string_view text) {
  const ProxyHeader whole = read_proxy_header(text);
  ProxyHeader before;
  for (std::size_t size = 0; size <= std::min(text.size(), kMaxProxyHeader + 1); ++size) {
    const ProxyHeader now = read_proxy_header(text.substr(0, size));
    require(before.progress == Progress::need_more || same(before, now));
    require(now.progress != Progress::complete || now.size <= size);
    before = now;
  }
  require(same(before, whole));
  require((whole.progress == Progress::refused) == (whole.why != nullptr));
  require(whole.size <= kMaxProxyHeader);
}

void check_round_trip(const std::uint8_t* data, std::size_t size) {
  if (size < 34) return;
  const bool local = (data[0] & 4U) != 0;
  const unsigned kind = data[0] % 4U;  // UNSPEC, IPv4, IPv6, Unix
  constexpr unsigned kSizes[] = {0, 12, 36, 216};
  std::string rest(data + 2, data + 34);
  rest.resize(kSizes[kind], 'u');
  rest.append(data + 2, data + std::min(size, std::size_t{2} + data[1] * 8U));  // TLVs
  std::string text("\r\n\r\n\0\r\nQUIT\n", 12);
  text += static_cast<char>(local ? 0x20 : 0x21);
  text += static_cast<char>(kind == 0 ? 0 : kind * 16 + 1);
  text += static_cast<char>(rest.size() / 256);
  text += static_cast<char>(rest.size() % 256);
  text += rest;
  const std::size_t header = text.size();
  text.append(data, data + size);

  const ProxyHeader read = read_proxy_header(text);
  require(read.progress == Progress::complete && read.size == header);
  if (local || kind == 0) {
    require(!read.client);
  } else if (kind == 1) {
    require(read.client == Address::v4(data + 2));
  } else if (kind == 2) {
    require(read.client == Address::v6(data + 2));
  } else {
    require(read.client == Address::local());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_splits(std::string(data, data + size));
  check_round_trip(data, size);
  return 0;
}
