// Oracles: what we accept, Boost.JSON accepts, with the same values in the same order;
// what only Boost accepts, we refuse for a reason that the header names; a splice of a
// decoded text that is escaped again decodes to itself. With folded numbers the same texts
// are accepted, and the same strings found at the same places.
#include <boost/json.hpp>
#include <cstdint>
#include <cstdlib>

#include "mechanisms/formats/json_index.h"

namespace {

namespace bj = boost::json;
using davy::json::Arena;
using davy::json::Index;
using davy::json::Kind;
using davy::json::kNoNode;
using davy::json::NodeId;

void require(bool condition) {
  if (!condition) std::abort();
}

bool stated(const davy::Error& error) {
  if (error.kind == davy::ErrorKind::limit) return true;
  for (const char* reason : {"same key twice", "surrogate"}) {
    if (error.message.find(reason) != std::string::npos) return true;
  }
  return false;
}

// Both walk in the order of the text.
NodeId compare(const Index& index, NodeId id, const bj::value& value, Arena& arena) {
  const auto& node = index[id];
  NodeId next = id + 1;
  switch (value.kind()) {
    case bj::kind::object: {
      require(node.kind == Kind::object && node.children == value.get_object().size());
      for (const auto& member : value.get_object()) {
        require(index.key(next, arena) == std::string_view(member.key()));
        require(index[next].parent == id);
        next = compare(index, next, member.value(), arena);
      }
      break;
    }
    case bj::kind::array: {
      require(node.kind == Kind::array && node.children == value.get_array().size());
      for (const auto& element : value.get_array()) {
        require(!index[next].has_key && index[next].parent == id);
        next = compare(index, next, element, arena);
      }
      break;
    }
    case bj::kind::string: {
      require(node.kind == Kind::string);
      const std::string_view text = index.text(id, arena);
      require(text == std::string_view(value.get_string()));
      std::string again;
      davy::json::append_escaped(again, text);
      std::string decoded;
      davy::json::append_decoded(decoded, again);
      require(decoded == text);
      require(node.has_escapes == (index.raw(id).find('\\') != std::string_view::npos));
      break;
    }
    case bj::kind::bool_:
      require(node.kind == Kind::boolean && index.is_true(id) == value.get_bool());
      break;
    case bj::kind::null: require(node.kind == Kind::null); break;
    default: require(node.kind == Kind::number);
  }
  require(index.end_of(id) == next);
  require(node.next == kNoNode || node.next == next);
  return next;
}

void check_folding(const Index& index, const std::string& text, bool accepted) {
  Index folded;
  davy::json::Limits limits;
  limits.fold_numbers = true;
  const auto read = folded.parse(text, limits);
  if (!accepted) {
    // Fewer values count.
    require(!read || text.size() > limits.nodes);
    return;
  }
  require(read.ok());
  NodeId at = 0;
  for (NodeId id = 0; id < index.nodes().size(); ++id) {
    const auto& node = index[id];
    const bool gone = node.kind == Kind::number && node.parent != kNoNode &&
                      (at == folded.nodes().size() || folded[at].begin != node.begin);
    if (gone) continue;
    require(at < folded.nodes().size());
    require(folded[at].kind == node.kind && folded[at].span() == node.span());
    require(folded[at].key_span() == node.key_span() && folded[at].position == node.position);
    require(folded[at].children == node.children || folded[at].children == 0);
    ++at;
  }
  require(at == folded.nodes().size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  Index index;
  const auto ours = index.parse(text);
  check_folding(index, text, ours.ok());
  bj::parse_options options;
  options.max_depth = 64;
  boost::system::error_code error;
  const bj::value theirs = bj::parse(text, error, {}, options);
  if (ours) {
    // Boost gives up on exponents beyond its range; the grammar has no such bound.
    if (error == bj::error::exponent_overflow) return 0;
    require(!error);
    Arena arena;
    require(compare(index, 0, theirs, arena) == index.nodes().size());
  } else if (!error) {
    require(stated(ours.error()));
  }
  return 0;
}
