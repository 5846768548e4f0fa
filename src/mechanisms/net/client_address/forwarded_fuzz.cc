// Oracles: what a client writes before what a trusted proxy appends never changes who it
// is; the result is an address that stands in the list, or the peer; a list that follows
// the grammar has the same elements from both ends; an address that is read is written
// and read again as the same; a set holds an address exactly when a naive count of equal
// bits says so.
//
// Input: byte 0 chooses the form (bit 0) and how it is cut into lines (bits 1-7); the rest
// is the field.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "mechanisms/net/client_address/forwarded.h"

namespace {

using davy::Address;
using davy::AddressSet;
using davy::ForwardedBy;
using davy::net::client_of;
using davy::net::take_last_element;

void require(bool holds) {
  if (!holds) std::abort();
}

const AddressSet& proxies() {
  static const AddressSet set = [] {
    AddressSet out;
    for (const char* block : {"10.0.0.0/8", "127.0.0.0/8", "fd00::/8", "192.0.2.9"}) {
      require(out.add(block).ok());
    }
    return out;
  }();
  return set;
}

Address peer() { return davy::parse_address("10.0.0.1").value(); }

std::string trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

// The elements from the left, or nothing if a backslash stands outside of a quotation or a
// quotation is not closed.
bool split_forwards(std::string_view list, std::vector<std::string>& out) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < list.size(); ++at) {
    if (list[at] == '\\') {
      if (!quoted || ++at == list.size()) return false;
    } else if (list[at] == '"') {
      quoted = !quoted;
    } else if (list[at] == ',' && !quoted) {
      out.push_back(trimmed(list.substr(begin, at - begin)));
      begin = at + 1;
    }
  }
  out.push_back(trimmed(list.substr(begin)));
  return !quoted;
}

void check_both_ends(std::string_view list) {
  std::vector<std::string> forwards;
  if (!split_forwards(list, forwards)) return;
  std::vector<std::string> backwards;
  const std::size_t commas = forwards.size() - 1;
  std::string_view rest = list;
  for (std::size_t i = 0; i <= commas; ++i) backwards.emplace_back(take_last_element(rest));
  std::reverse(backwards.begin(), backwards.end());
  require(rest.empty());
  require(forwards == backwards);
}

void check_set(std::string_view text) {
  const auto address = davy::parse_address(text);
  if (!address) return;
  require(davy::parse_address(address->text()) == address);
  const std::size_t size = address->family == Address::Family::v4 ? 4 : 16;
  const std::string other = size == 4 ? "10.77.1.2" : "fd00:1:2:3::4";
  const Address known = davy::parse_address(other).value();
  std::size_t equal = 0;
  while (equal < size * 8 &&
         ((address->bytes[equal / 8] ^ known.bytes[equal / 8]) & (0x80U >> (equal % 8))) == 0) {
    ++equal;
  }
  for (std::size_t prefix = 0; prefix <= size * 8; ++prefix) {
    Address first = known;
    for (std::size_t bit = prefix; bit < size * 8; ++bit) {
      first.bytes[bit / 8] =
          static_cast<unsigned char>(first.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
    AddressSet set;
    require(set.add(first.text() + "/" + std::to_string(prefix)).ok());
    require(set.contains(known));
    require(set.contains(*address) == (prefix <= equal));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(data + 1, data + size);
  const auto form = (data[0] & 1U) != 0 ? ForwardedBy::forwarded : ForwardedBy::x_forwarded_for;
  std::vector<std::string_view> lines{text};
  if (const std::size_t cut = data[0] >> 1U; cut != 0 && cut < text.size()) {
    lines = {std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)};
  }
  const Address client = client_of(peer(), lines, form, proxies());
  require(client.family == Address::Family::v4 || client.family == Address::Family::v6);

  const bool named = form == ForwardedBy::forwarded;
  for (const std::string real : {"203.0.113.9", "2001:db8::9"}) {
    const bool six = real.find(':') != std::string::npos;
    std::string element = real;
    if (named) element = six ? "for=\"[" + real + "]\"" : "for=" + real;
    const std::string together = text + ", " + element;
    const std::string hop = named ? "for=10.4.4.4" : "10.4.4.4";
    require(client_of(peer(), std::vector<std::string_view>{together}, form, proxies()).text() ==
            real);
    require(client_of(peer(), std::vector<std::string_view>{text, element, hop}, form, proxies())
                .text() == real);
  }
  // Nobody is believed without trust.
  const Address stranger = davy::parse_address("198.51.100.4").value();
  require(client_of(stranger, lines, form, proxies()) == stranger);

  check_both_ends(text);
  check_set(text);
  return 0;
}
