#include "mechanisms/net/http1/head.h"

#include "base/strings.h"
#include "mechanisms/net/http1/characters.h"

namespace davy::http1 {

using characters::is_word;
using characters::trim_blanks;

FieldKind field_kind(std::string_view name) noexcept {
  const auto if_word = [name](std::string_view word, FieldKind kind) {
    return is_word(name, word) ? kind : FieldKind::other;
  };
  switch (name.size()) {
    case 2: return if_word("te", FieldKind::te);
    case 4: return if_word("host", FieldKind::host);
    case 6: return if_word("expect", FieldKind::expect);
    case 7:
      return to_lower(name[0]) == 't' ? if_word("trailer", FieldKind::trailer)
                                      : if_word("upgrade", FieldKind::upgrade);
    case 10:
      return to_lower(name[0]) == 'c' ? if_word("connection", FieldKind::connection)
                                      : if_word("keep-alive", FieldKind::keep_alive);
    case 14: return if_word("content-length", FieldKind::content_length);
    case 16: return if_word("proxy-connection", FieldKind::proxy_connection);
    case 17: return if_word("transfer-encoding", FieldKind::transfer_encoding);
    case 18: return if_word("proxy-authenticate", FieldKind::proxy_authenticate);
    case 19: return if_word("proxy-authorization", FieldKind::proxy_authorization);
    default: return FieldKind::other;
  }
}

bool is_hop_by_hop(std::string_view name) noexcept {
  return field_kind(name) >= FieldKind::connection;
}

std::optional<std::string_view> Fields::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < size(); ++i) {
    if (entries_[i].name_size == name.size() && equal_ignoring_case((*this)[i].name, name)) {
      return (*this)[i].value;
    }
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (const FieldView field : *this) {
    if (equal_ignoring_case(field.name, name)) ++found;
  }
  return found;
}

bool Fields::named_by_connection(std::size_t at) const noexcept {
  const std::string_view name = (*this)[at].name;
  for (std::size_t i = 0; i < size(); ++i) {
    if (entries_[i].kind != FieldKind::connection) continue;
    std::string_view rest = (*this)[i].value;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      if (equal_ignoring_case(trim_blanks(rest.substr(0, comma)), name)) return true;
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  return false;
}

}  // namespace davy::http1
