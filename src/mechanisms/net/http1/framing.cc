// What the fields of a head say about the body and the connection, and whether they
// say it in the one way that no other reader of the same bytes can take differently.
#include <algorithm>

#include "base/strings.h"
#include "mechanisms/net/http1/characters.h"
#include "mechanisms/net/http1/meaning.h"
#include "mechanisms/net/http1/parser.h"

namespace davy::http1 {
namespace {

using namespace characters;

constexpr std::size_t kMaxLengthDigits = 18;  // below 2^63 in every reader's integer
constexpr std::size_t kMaxConnectionItems = 16;
constexpr std::size_t kMaxConnectionBytes = 512;

// Decimal digits only, at most 5, 1 to 65535.
bool valid_port(std::string_view port) noexcept {
  if (port.empty() || port.size() > 5 || !all(port, kDigit)) return false;
  const auto number = to_number(port);
  return number && *number >= 1 && *number <= 65535;
}

// A name, an IPv4 address or an IPv6 address in brackets, with an optional port. Stricter
// than RFC 3986 3.2.2: no percent-encoding and no sub-delims, which no real host has.
bool valid_host(std::string_view text) noexcept {
  std::string_view rest;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view address = text.substr(1, close - 1);
    bool colon = false;
    for (const char c : address) {
      colon = colon || c == ':';
      if (!is(c, kHex) && c != ':' && c != '.') return false;
    }
    if (!colon || address.size() > 45) return false;  // INET6_ADDRSTRLEN - 1
    rest = text.substr(close + 1);
  } else {
    const std::size_t end = skip(text, 0, kHost);
    if (end == 0 || end > 255) return false;  // RFC 1035 2.3.4
    rest = text.substr(end);
  }
  return rest.empty() || (rest.front() == ':' && valid_port(rest.substr(1)));
}

// How many bytes of an absolute-form stand before the authority; 0 where it is none.
std::size_t scheme_size(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (is_word(target.substr(0, scheme.size()), scheme)) return scheme.size();
  }
  return 0;
}

}  // namespace

bool HeadParser::read_connection(Fields& fields, std::size_t at, Meaning& meaning) {
  const std::size_t offset = fields.entries_[at].value;
  std::string_view rest = fields[at].value;
  if (rest.size() > kMaxConnectionBytes) return refuse(Refusal::connection_invalid, offset);
  for (;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view item = trim_blanks(rest.substr(0, comma));
    if (++meaning.listed > kMaxConnectionItems || !all(item, kToken)) {
      return refuse(Refusal::connection_invalid, offset);
    }
    if (is_word(item, "close")) {
      meaning.close = true;
    } else if (const FieldKind kind = field_kind(item); kind == FieldKind::keep_alive) {
      meaning.keep_alive = true;
    } else if (kind == FieldKind::upgrade) {
      meaning.names_upgrade = true;
    } else if (kind == FieldKind::other && !item.empty()) {
      fields.names_more_ = true;
    }
    if (comma == std::string_view::npos) return true;
    rest.remove_prefix(comma + 1);
  }
}

bool HeadParser::read_field(Fields& fields, std::size_t at, int minor, Meaning& meaning) {
  const std::string_view value = fields[at].value;
  const std::size_t name_offset = fields.entries_[at].name;
  const std::size_t value_offset = fields.entries_[at].value;
  switch (fields.kind(at)) {
    case FieldKind::host:
      if (meaning.hosts++ == 0) meaning.host = at;
      return true;
    case FieldKind::content_length:
      if (meaning.length) return refuse(Refusal::content_length_duplicate, name_offset);
      if (value.empty() || value.size() > kMaxLengthDigits || !all(value, kDigit)) {
        return refuse(Refusal::content_length_invalid, value_offset);
      }
      meaning.length = to_number(value);
      break;
    case FieldKind::transfer_encoding:
      if (minor == 0) return refuse(Refusal::transfer_encoding_old_version, name_offset);
      if (meaning.chunked || !is_word(value, "chunked")) {
        return refuse(Refusal::transfer_encoding_unsupported, value_offset);
      }
      meaning.chunked = true;
      break;
    case FieldKind::connection: return read_connection(fields, at, meaning);
    case FieldKind::upgrade: meaning.has_upgrade = true; return true;
    case FieldKind::expect:
      if (!is_word(value, "100-continue")) {
        return refuse(Refusal::expectation_unknown, value_offset);
      }
      meaning.expect = true;
      return true;
    default: return true;
  }
  if (meaning.chunked && meaning.length) return refuse(Refusal::length_and_encoding, name_offset);
  return true;
}

bool HeadParser::read_fields(Fields& fields, int minor, Meaning& meaning) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields.kind(i) != FieldKind::other && !read_field(fields, i, minor, meaning)) return false;
  }
  return true;
}

bool HeadParser::check_host(std::string_view buffer, RequestHead& head, const Meaning& meaning) {
  const Fields& fields = head.fields_;
  if (meaning.hosts == 0) return refuse(Refusal::host_missing, head.size_);
  const Fields::Entry& entry = fields.entries_[meaning.host];
  if (meaning.hosts > 1) return refuse(Refusal::host_duplicate, entry.name);
  const std::string_view host = fields[meaning.host].value;
  if (!valid_host(host)) return refuse(Refusal::host_invalid, entry.value);
  head.host_ = {entry.value, entry.value_size};

  const Part target = head.target_;
  const std::string_view text = buffer.substr(target.at, target.size);
  std::size_t path = 0;
  if (text == "*") {
    if (head.method() != "OPTIONS") return refuse(Refusal::target_form, target.at);
  } else if (text.front() != '/') {
    const std::size_t authority = scheme_size(text);
    if (authority == 0) return refuse(Refusal::target_form, target.at);
    path = std::min(text.find_first_of("/?", authority), text.size());
    const std::string_view named = text.substr(authority, path - authority);
    if (!valid_host(named)) return refuse(Refusal::target_authority, target.at + authority);
    if (!equal_ignoring_case(named, host)) return refuse(Refusal::host_differs, entry.value);
  }
  const std::size_t mark = std::min(text.find('?', path), text.size());
  const std::size_t query = std::min(mark + 1, text.size());
  const auto at = [&](std::size_t offset) {
    return target.at + static_cast<std::uint32_t>(offset);
  };
  head.path_ = {at(path), static_cast<std::uint32_t>(mark - path)};
  head.query_ = {at(query), static_cast<std::uint32_t>(text.size() - query)};
  return true;
}

}  // namespace davy::http1
