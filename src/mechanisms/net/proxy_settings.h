// Which proxy, if any, stands between us and an upstream: HTTP_PROXY, HTTPS_PROXY and
// NO_PROXY of the environment, as curl and Go read them.
//
// The small-letter name wins where both are set. A proxy is http://[USER:PASSWORD@]HOST[:PORT],
// or without http://; a proxy that is itself spoken to in TLS or SOCKS is refused, never
// left out. Unix sockets, "localhost" and loopback addresses never go through a proxy.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "core/address.h"
#include "core/upstream.h"

namespace davy::net {

// NO_PROXY: entries with commas or blanks between. "*" is everything; "10.0.0.0/8" and
// "192.0.2.7" are addresses (names are not resolved for it); "example.com", ".example.com"
// and "*.example.com" are that name and all below it, as in curl; ":8080" behind a name or
// an address limits it to that port.
class NoProxy {
 public:
  NoProxy() = default;
  explicit NoProxy(std::string_view text);
  [[nodiscard]] bool covers(std::string_view host, std::uint16_t port) const;

 private:
  struct Entry {
    std::string name;  // "" = addresses
    AddressSet addresses;
    std::uint16_t port = 0;  // 0 = any
  };
  std::vector<Entry> entries_;
  bool everything_ = false;
};

struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  Secret authorization;  // "Proxy-Authorization: Basic …\r\n", or empty

  [[nodiscard]] std::string authority() const;
  // Appends the field, if there is a login. Whoever makes the text wipes it.
  void append_field(std::string& head) const { append_wiping(head, authorization.expose()); }
};

class ProxySettings {
 public:
  // Looks a variable up; nothing if it is not set.
  using Environment = std::function<std::optional<std::string>(const std::string& name)>;

  ProxySettings() = default;
  // An error names the variable, never its value: a password may stand in it.
  [[nodiscard]] static Result<ProxySettings> read(const Environment& environment);

  // Null: directly.
  [[nodiscard]] const Proxy* proxy_for(const UpstreamUrl& url) const;

 private:
  std::optional<Proxy> http_;
  std::optional<Proxy> https_;
  NoProxy no_proxy_;
};

}  // namespace davy::net
