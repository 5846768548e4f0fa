#include <arpa/inet.h>

#include <array>

#include "base/strings.h"
#include "core/settings.h"

namespace davy {
namespace {

constexpr std::string_view kUnix = "unix:";

bool is_address(int family, const std::string& host) noexcept {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(family, host.c_str(), bytes.data()) == 1;
}

}  // namespace

std::string Endpoint::text() const {
  if (unix_socket()) return std::string(kUnix) + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool Endpoint::loopback() const noexcept {
  if (unix_socket()) return true;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host.starts_with("127.") && is_address(AF_INET, host);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const std::string hint = "write ADDRESS:PORT, e.g. 127.0.0.1:8080 or [::1]:8080, or unix:PATH";
  if (text.starts_with(kUnix)) {
    Endpoint out;
    out.path = text.substr(kUnix.size());
    if (out.path.empty() || out.path.ends_with('/') || out.path.front() == '@' ||
        out.path.find('\0') != std::string::npos) {
      return invalid_input("the path names no socket", {}, hint);
    }
    return out;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid_input("there is no port", {}, hint);
  const auto port = to_number(text.substr(colon + 1));
  if (!port || *port > 65535) return invalid_input("the port is no number up to 65535", {}, hint);
  std::string host(text.substr(0, colon));
  if (host == "localhost") host = "127.0.0.1";
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!is_address(bracketed ? AF_INET6 : AF_INET, host)) {
    return invalid_input("the host is no address", {}, hint);
  }
  return Endpoint{std::move(host), static_cast<std::uint16_t>(*port), {}};
}

}  // namespace davy
