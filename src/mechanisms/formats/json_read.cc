// Reading from an index that parse() has filled.
#include <charconv>

#include "mechanisms/formats/json_index.h"

namespace davy::json {
namespace {

// Compares without decoding into memory. Keys of interest have no escapes in practice.
bool decodes_to(std::string_view raw, bool has_escapes, std::string_view text) {
  if (!has_escapes) return raw == text;
  if (raw.size() < text.size()) return false;
  std::string decoded;
  append_decoded(decoded, raw);
  return decoded == text;
}

}  // namespace

NodeId Index::member(NodeId object, std::string_view key) const {
  if (!is(object, Kind::object)) return kNoNode;
  NodeId child = first_child(object);
  while (child != kNoNode && !key_is(child, key)) child = nodes_[child].next;
  return child;
}

bool Index::escaped_key_is(NodeId id, std::string_view key) const {
  return decodes_to(slice(source_, nodes_[id].key_span()), true, key);
}

bool Index::string_is(NodeId id, std::string_view text) const {
  return is(id, Kind::string) && decodes_to(raw(id), nodes_[id].has_escapes, text);
}

std::string_view Index::text(NodeId id, Arena& arena) const {
  return nodes_[id].has_escapes ? decode(raw(id), arena) : raw(id);
}

std::string_view Index::key(NodeId id, Arena& arena) const {
  const std::string_view inside = slice(source_, nodes_[id].key_span());
  return nodes_[id].key_has_escapes ? decode(inside, arena) : inside;
}

std::optional<std::uint64_t> Index::whole_number(NodeId id) const noexcept {
  if (!is(id, Kind::number)) return std::nullopt;
  const std::string_view digits = raw(id);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Place Index::place(std::size_t at) const {
  Place place;
  place.line = 1;
  place.column = 1;
  for (std::size_t i = 0; i < at; ++i) {
    if (source_[i] == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<std::uint8_t>(source_[i]) & 0xC0) != 0x80) {
      ++place.column;
    }
  }
  return place;
}

NodeId Index::end_of(NodeId id) const noexcept {
  // A container's last child ends where the container's successor begins.
  NodeId end = id + 1;
  if (nodes_[id].next != kNoNode) return nodes_[id].next;
  if (nodes_[id].children == 0) return end;
  while (end < nodes_.size() && nodes_[end].begin < nodes_[id].end) {
    end = nodes_[end].next != kNoNode ? nodes_[end].next : end + 1;
  }
  return end;
}

void Index::append_pointer(NodeId id, std::string& out) const {
  const Node& node = nodes_[id];
  if (node.parent == kNoNode) return;
  append_pointer(node.parent, out);  // at most Limits::depth calls deep
  if (!node.has_key) {
    out += '/';
    out += std::to_string(node.position);
  } else if (node.key_has_escapes) {
    std::string key;
    append_decoded(key, slice(source_, node.key_span()));
    append_pointer_part(out, key);
  } else {
    append_pointer_part(out, slice(source_, node.key_span()));
  }
}

}  // namespace davy::json
