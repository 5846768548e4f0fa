#include "mechanisms/net/proxy_settings.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/strings.h"

namespace davy::net {
namespace {

std::optional<std::string> variable(const ProxySettings::Environment& environment,
                                    const std::string& name) {
  // Written twice, since programs differ in which they read.
  for (const std::string& spelling : {lower(name), name}) {
    if (auto value = environment(spelling); value && !trim(*value).empty()) return value;
  }
  return std::nullopt;
}

// RFC 3986 section 2.1; nothing for a '%' without two digits behind it.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto byte = text.size() - i > 2 ? from_hex(text.substr(i + 1, 2)) : std::nullopt;
    if (!byte) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

Result<Proxy> parse_proxy(const std::string& variable_name, std::string_view text) {
  const auto bad = [&](std::string why) {
    return invalid_input(variable_name + " " + std::move(why), {},
                         "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT");
  };
  text = trim(text);
  const std::size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) {
    if (!equal_ignoring_case(text.substr(0, scheme), "http")) {
      return bad("names a proxy that is not spoken to in plain HTTP, which this version cannot do");
    }
    text.remove_prefix(scheme + 3);
  }
  Proxy proxy;
  const std::string_view authority = text.substr(0, text.find('/'));
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = text.substr(0, at);
    // Decoded one by one: a colon may stand in the password, coded or not.
    const std::size_t colon = std::min(login.find(':'), login.size());
    auto user = decode(login.substr(0, colon));
    auto password = decode(login.substr(std::min(colon + 1, login.size())));
    if (!user || !password || user->find(':') != std::string::npos) {
      return bad("has a login that is not well-formed");
    }
    // RFC 7617.
    std::string pair = *user + ":" + *password;
    std::string line = "Proxy-Authorization: Basic " + to_base64(pair) + "\r\n";
    for (std::string* each : {&pair, &*user, &*password}) wipe(each->data(), each->size());
    proxy.authorization = Secret(std::move(line));
    text.remove_prefix(at + 1);
  }
  const auto url = parse_upstream_url("http://" + std::string(text));
  if (!url || !url->socket.empty() || !url->base_path.empty()) {
    return bad("does not name a proxy's host and port");
  }
  proxy.host = url->host;
  proxy.port = url->port;
  return proxy;
}

// The port behind a name or an address; takes it off. IPv6 has one only behind brackets.
std::uint16_t take_port(std::string_view& text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return 0;
    const std::string_view rest = text.substr(close + 1);
    text = text.substr(1, close - 1);
    if (!rest.starts_with(':')) return 0;
    return static_cast<std::uint16_t>(to_number(rest.substr(1)).value_or(0));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return 0;
  }
  const auto port = to_number(text.substr(colon + 1));
  text = text.substr(0, colon);
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(port.value_or(0), 65535));
}

}  // namespace

NoProxy::NoProxy(std::string_view text) {
  std::string list = lower(text);
  std::replace_if(
      list.begin(), list.end(), [](char c) { return c == ' ' || c == '\t'; }, ',');
  for (std::string_view part : split(list, ',')) {
    if (part.empty()) continue;
    if (part == "*") {
      everything_ = true;
      continue;
    }
    Entry entry;
    entry.port = take_port(part);
    if (!entry.addresses.add(part)) {
      if (part.starts_with("*.")) part.remove_prefix(1);
      if (part.starts_with('.')) part.remove_prefix(1);
      if (part.ends_with('.')) part.remove_suffix(1);
      if (part.empty()) continue;
      entry.name = part;
    }
    entries_.push_back(std::move(entry));
  }
}

bool NoProxy::covers(std::string_view host, std::uint16_t port) const {
  if (everything_) return true;
  const auto address = parse_address(host);
  std::string name = lower(host);
  if (name.ends_with('.')) name.pop_back();
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    if (entry.port != 0 && entry.port != port) return false;
    if (entry.name.empty()) return address && entry.addresses.contains(*address);
    if (name == entry.name) return true;
    return name.size() > entry.name.size() && name.ends_with(entry.name) &&
           name[name.size() - entry.name.size() - 1] == '.';
  });
}

std::string Proxy::authority() const {
  UpstreamUrl url;
  url.host = host;
  url.port = port;
  return url.authority();
}

Result<ProxySettings> ProxySettings::read(const Environment& environment) {
  ProxySettings out;
  for (const auto& [name, place] :
       {std::pair{"HTTP_PROXY", &out.http_}, std::pair{"HTTPS_PROXY", &out.https_}}) {
    auto text = variable(environment, name);
    if (!text) continue;
    auto proxy = parse_proxy(name, *text);
    wipe(text->data(), text->size());
    if (!proxy) return proxy.error();
    place->emplace(std::move(proxy).value());
  }
  out.no_proxy_ = NoProxy(variable(environment, "NO_PROXY").value_or(""));
  return out;
}

const Proxy* ProxySettings::proxy_for(const UpstreamUrl& url) const {
  const std::optional<Proxy>& proxy = url.tls ? https_ : http_;
  if (!proxy || url.loopback() || no_proxy_.covers(url.host, url.port)) return nullptr;
  return &*proxy;
}

}  // namespace davy::net
