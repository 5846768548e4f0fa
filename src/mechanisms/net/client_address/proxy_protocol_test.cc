#include "mechanisms/net/client_address/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace davy::net {
namespace {

using Progress = ProxyHeader::Progress;
using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kV4 = "\xCB\0\x71\x09\x0A\0\0\x01\xC3\x50\x01\xBB"s;  // 203.0.113.9 → 10.0.0.1

std::string header(int version_command, int family, const std::string& rest) {
  std::string out = kSignature;
  out += static_cast<char>(version_command);
  out += static_cast<char>(family);
  out += static_cast<char>(rest.size() >> 8U);
  out += static_cast<char>(rest.size() & 0xFFU);
  return out + rest;
}

// As a whole and byte by byte: the verdict falls at one byte and stays.
ProxyHeader read(const std::string& input) {
  const ProxyHeader whole = read_proxy_header(input);
  ProxyHeader at;
  for (std::size_t size = 0; size <= input.size() && at.progress == Progress::need_more; ++size) {
    at = read_proxy_header(std::string_view(input).substr(0, size));
  }
  EXPECT_EQ(at.progress, whole.progress);
  EXPECT_EQ(at.size, whole.size);
  EXPECT_EQ(at.why, whole.why);
  EXPECT_EQ(at.client, whole.client);
  return whole;
}

std::string why(const std::string& input) {
  const ProxyHeader out = read(input);
  EXPECT_EQ(out.progress, Progress::refused);
  return out.why == nullptr ? "" : std::string(out.why->name);
}

TEST(ProxyProtocol, GivesTheClient) {
  const std::string v4 = header(0x21, 0x11, kV4);
  ProxyHeader out = read(v4 + "POST /v1");
  EXPECT_EQ(out.progress, Progress::complete);
  EXPECT_EQ(out.size, v4.size());
  EXPECT_EQ(out.client.value().text(), "203.0.113.9");

  std::string addresses = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01";
  addresses += addresses + "\xC3\x50\x01\xBB";
  EXPECT_EQ(read(header(0x21, 0x21, addresses)).client.value().text(), "2001:db8::1");

  // Mapped: the IPv4 client.
  std::string mapped = std::string(10, '\0') + "\xFF\xFF\xCB\0\x71\x09"s;
  mapped += mapped + "\xC3\x50\x01\xBB";
  EXPECT_EQ(read(header(0x21, 0x21, mapped)).client.value().text(), "203.0.113.9");

  EXPECT_EQ(read(header(0x21, 0x31, std::string(216, '/'))).client.value().text(), "unix");
}

TEST(ProxyProtocol, SkipsTlvs) {
  const std::string with = header(0x21, 0x11, kV4 + "\x01\0\x02h2\x03\0\x04\x11\x22\x33\x44"s);
  EXPECT_EQ(read(with).client.value().text(), "203.0.113.9");
  EXPECT_EQ(read(with).size, with.size());
  EXPECT_EQ(read(header(0x21, 0x11, kV4 + std::string(4096 - 16 - 12, 'x'))).size, 4096);
}

TEST(ProxyProtocol, KeepsTheConnectionsAddressForLocalAndUnspec) {
  for (const std::string& text :
       {header(0x20, 0x00, ""), header(0x20, 0x11, kV4), header(0x20, 0x11, "short"),
        header(0x20, 0x77, ""), header(0x21, 0x00, ""), header(0x21, 0x00, kV4)}) {
    const ProxyHeader out = read(text);
    EXPECT_EQ(out.progress, Progress::complete);
    EXPECT_FALSE(out.client);
    EXPECT_EQ(out.size, text.size());
  }
}

TEST(ProxyProtocol, RefusesTheOldVersionByName) {
  EXPECT_EQ(why("PROXY TCP4 203.0.113.9 10.0.0.1 50000 443\r\n"), "proxy_protocol_version_1");
  EXPECT_EQ(why("PROXY "), "proxy_protocol_version_1");
  EXPECT_EQ(read("PROXY").progress, Progress::need_more);
}

TEST(ProxyProtocol, RefusesWhatItIsNot) {
  EXPECT_EQ(why("POST /v1 HTTP/1.1\r\n"), "proxy_protocol_missing");
  EXPECT_EQ(why("GET / HTTP/1.1\r\n"), "proxy_protocol_missing");
  EXPECT_EQ(why("\x16\x03\x01"), "proxy_protocol_missing");  // TLS
  EXPECT_EQ(why("\r\n\r\n\0\r\nQUIX"s), "proxy_protocol_missing");
  EXPECT_EQ(why(header(0x11, 0x11, kV4)), "proxy_protocol_version");
  EXPECT_EQ(why(header(0x31, 0x11, kV4)), "proxy_protocol_version");
  EXPECT_EQ(why(header(0x22, 0x11, kV4)), "proxy_protocol_command");
  for (const int family : {0x01, 0x10, 0x12, 0x13, 0x20, 0x22, 0x30, 0x32, 0x41, 0xFF}) {
    EXPECT_EQ(why(header(0x21, family, std::string(300, 'x'))), "proxy_protocol_family") << family;
  }
  EXPECT_EQ(why(header(0x21, 0x11, kV4.substr(1))), "proxy_protocol_short");
  EXPECT_EQ(why(header(0x21, 0x21, std::string(35, 'x'))), "proxy_protocol_short");
  EXPECT_EQ(why(header(0x21, 0x31, std::string(215, 'x'))), "proxy_protocol_short");
  EXPECT_EQ(why(header(0x21, 0x11, std::string(4096 - 16 + 1, 'x'))), "proxy_protocol_too_large");
  EXPECT_EQ(why(kSignature + "\x21\x11\xFF"), "proxy_protocol_too_large");
}

TEST(ProxyProtocol, WaitsForTheRest) {
  const std::string whole = header(0x21, 0x11, kV4);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read_proxy_header(std::string_view(whole).substr(0, size)).progress,
              Progress::need_more)
        << size;
  }
}

}  // namespace
}  // namespace davy::net
