#include "mechanisms/net/client_address/forwarded.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/strings.h"

namespace davy::net {
namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view without_blanks(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

constexpr bool is_alphanumeric(char c) noexcept {
  const char l = to_lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

// RFC 9110 5.6.2.
constexpr bool is_token(char c) noexcept {
  return is_alphanumeric(c) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// Whether an odd number of backslashes stands before `at`.
bool escaped(std::string_view text, std::size_t at) noexcept {
  std::size_t slashes = 0;
  while (slashes < at && text[at - slashes - 1] == '\\') ++slashes;
  return slashes % 2 == 1;
}

bool port(std::string_view text) noexcept {
  const auto number = to_number(text);
  return number && text.size() <= 5 && *number <= 65535;
}

// RFC 7239 6.3: obfport = "_" 1*(ALPHA / DIGIT / "." / "_" / "-").
bool obfuscated(std::string_view text) noexcept {
  return text.size() > 1 && text.front() == '_' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

// "192.0.2.7", "192.0.2.7:4711", "[2001:db8::1]", "[2001:db8::1]:4711"; nothing for what
// names no address.
std::optional<Address> node(std::string_view text, bool may_hide_port) noexcept {
  std::string_view host = text;
  std::string_view after;
  const bool bracketed = !text.empty() && text.front() == '[';
  if (bracketed) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    after = text.substr(close + 1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    after = text.substr(colon);
  }
  if (!after.empty()) {
    const std::string_view number = after.substr(1);
    if (after.front() != ':') return std::nullopt;
    if (!port(number) && !(may_hide_port && obfuscated(number))) return std::nullopt;
  }
  const auto address = parse_address(host);
  const bool six = host.find(':') != std::string_view::npos;
  if (!address || six != bracketed) return std::nullopt;
  return address;
}

// Proxies write IPv6 with and without brackets, and some write a port.
std::optional<Address> from_list(std::string_view element) noexcept {
  if (const auto address = parse_address(element)) return address;
  return node(element, false);
}

// An address in brackets with a port has at most 53 bytes.
using NodeText = std::array<char, 64>;

// The value of `for` in one forwarded-element, without quotes and escapes; nothing if the
// element is malformed, has no `for` or two.
std::optional<std::string_view> value_of_for(std::string_view element, NodeText& store) noexcept {
  std::optional<std::string_view> found;
  std::size_t at = 0;
  const auto take_token = [&] {
    const std::size_t begin = at;
    while (at < element.size() && is_token(element[at])) ++at;
    return element.substr(begin, at - begin);
  };
  for (;; ++at) {
    const std::string_view name = take_token();
    const bool wanted = equal_ignoring_case(name, "for");
    if (!name.empty()) {
      if (at >= element.size() || element[at++] != '=' || (wanted && found)) return std::nullopt;
      std::size_t length = 0;
      if (at < element.size() && element[at] == '"') {
        for (++at;; ++at) {
          if (at < element.size() && element[at] == '"') break;
          if (at < element.size() && element[at] == '\\') ++at;
          if (at >= element.size() || (wanted && length == store.size())) return std::nullopt;
          if (wanted) store[length++] = element[at];
        }
        ++at;
      } else {
        const std::string_view value = take_token();
        if (value.empty() || (wanted && value.size() > store.size())) return std::nullopt;
        if (wanted) length = value.copy(store.data(), store.size());
      }
      if (wanted) found = std::string_view(store.data(), length);
    }
    if (at == element.size()) return found;
    if (element[at] != ';') return std::nullopt;
  }
}

std::optional<Address> from_element(std::string_view element) noexcept {
  NodeText store;
  const auto value = value_of_for(element, store);
  return value ? node(*value, true) : std::nullopt;
}

}  // namespace

std::string_view take_last_element(std::string_view& list) noexcept {
  std::size_t at = list.size();
  bool quoted = false;
  while (at > 0) {
    const char c = list[at - 1];
    if (c == '"' && !escaped(list, at - 1)) quoted = !quoted;
    if (c == ',' && !quoted) break;
    --at;
  }
  const std::string_view element = without_blanks(list.substr(at));
  list = list.substr(0, at == 0 ? 0 : at - 1);
  return element;
}

Address client_of(const Address& peer, std::span<const std::string_view> lines, ForwardedBy form,
                  const AddressSet& trusted) noexcept {
  Address client = peer;
  std::size_t hops = 0;
  for (std::size_t i = lines.size(); i > 0; --i) {
    std::string_view list = lines[i - 1];
    while (!list.empty()) {
      if (!trusted.contains(client)) return client;
      const std::string_view element = take_last_element(list);
      if (element.empty()) continue;
      const auto next = form == ForwardedBy::forwarded ? from_element(element) : from_list(element);
      if (!next || ++hops > kMaxHops) return client;
      client = *next;
    }
  }
  return client;
}

}  // namespace davy::net
