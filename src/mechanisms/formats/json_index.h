// An index over one JSON text: what stands where, in bytes of the source.
//
// One strict pass (RFC 8259) over the text gives a flat list of nodes; nothing is
// converted, so what is not touched keeps its bytes. Refused, with the place:
// - everything outside the grammar: comments, trailing commas, a byte order mark, more
//   than one value, control characters in strings, numbers such as 01, 1. or +1;
// - strings that are not UTF-8; unknown escapes; with Surrogates::refuse also "\ud800"
//   without its partner, which stands for no character;
// - a key that comes twice in one object, compared after decoding ("a" is "\u0061");
// - what goes beyond `Limits`.
// Time is O(n log n) for any input. Errors never repeat content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "mechanisms/formats/json_text.h"

namespace davy::json {

enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

enum class Surrogates : std::uint8_t {
  refuse,   // a lone surrogate is an error
  replace,  // it decodes to U+FFFD
};

struct Limits {
  std::size_t depth = 64;       // containers inside each other
  std::size_t nodes = 1 << 18;  // values; 8 MiB of index
  Surrogates surrogates = Surrogates::refuse;
  // An array of numbers alone is checked like any other but is one value: its node has no
  // children. For vectors and tokens, which nobody looks into.
  bool fold_numbers = false;
};

using NodeId = std::uint32_t;
inline constexpr NodeId kNoNode = ~NodeId{0};

// Positions are bytes of the source. The first child of a container is the node that
// follows it, if `children` > 0.
struct Node {
  std::uint32_t begin = 0;  // strings: inside the quotes; containers: with their brackets
  std::uint32_t end = 0;
  std::uint32_t key_begin = 0;  // inside the quotes; 0 if the node has no key
  std::uint32_t key_end = 0;
  NodeId parent = kNoNode;
  NodeId next = kNoNode;            // the next sibling
  std::uint32_t position = 0;       // among its siblings, from 0
  std::uint32_t children : 24 = 0;  // saturates at 2^24 - 1; Limits::nodes stays below
  Kind kind : 4 = Kind::null;
  bool has_escapes : 1 = false;  // strings
  bool key_has_escapes : 1 = false;
  bool has_key : 1 = false;

  [[nodiscard]] Span span() const noexcept { return {begin, end}; }
  [[nodiscard]] Span key_span() const noexcept { return {key_begin, key_end}; }
};

// Reusable: after the first texts of some size, parsing allocates nothing. Not
// thread-safe. The source must outlive every call but parse and clear.
class Index {
 public:
  // Replaces what was there; after an error the index is empty. Errors: invalid_input,
  // or limit. The place has line and column (in code points), the message the byte.
  [[nodiscard]] Result<void> parse(std::string_view source, const Limits& limits = {});
  void clear() noexcept;

  [[nodiscard]] std::string_view source() const noexcept { return source_; }
  // In the order of the text; [0] is the root. Empty before the first parse.
  [[nodiscard]] const std::vector<Node>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const Node& operator[](NodeId id) const noexcept { return nodes_[id]; }

  [[nodiscard]] NodeId first_child(NodeId id) const noexcept {
    return nodes_[id].children > 0 ? id + 1 : kNoNode;
  }
  // The bytes of the value as they stand (strings: without quotes, not decoded).
  [[nodiscard]] std::string_view raw(NodeId id) const noexcept {
    return slice(source_, nodes_[id].span());
  }
  // The member of that decoded name, or kNoNode; also for a node that is no object.
  [[nodiscard]] NodeId member(NodeId object, std::string_view key) const;
  // Whether the node's key, decoded, is `key`.
  [[nodiscard]] bool key_is(NodeId id, std::string_view key) const {
    const Node& node = nodes_[id];
    if (node.key_has_escapes) return escaped_key_is(id, key);
    return node.has_key && slice(source_, node.key_span()) == key;
  }
  // Whether the node is a string that decodes to `text`.
  [[nodiscard]] bool string_is(NodeId id, std::string_view text) const;
  // The node after the last one inside `id`, which may be nodes().size().
  [[nodiscard]] NodeId end_of(NodeId id) const noexcept;
  [[nodiscard]] bool is(NodeId id, Kind kind) const noexcept {
    return id != kNoNode && nodes_[id].kind == kind;
  }

  // Decoded text: a view into the source if there are no escapes, else into `arena`.
  [[nodiscard]] std::string_view text(NodeId id, Arena& arena) const;
  [[nodiscard]] std::string_view key(NodeId id, Arena& arena) const;
  // A number that is written as a whole one and fits; nothing for any other node.
  [[nodiscard]] std::optional<std::uint64_t> whole_number(NodeId id) const noexcept;
  // Only for a boolean.
  [[nodiscard]] bool is_true(NodeId id) const noexcept { return source_[nodes_[id].begin] == 't'; }
  // Line and column of a byte, for messages; takes time up to there.
  [[nodiscard]] Place place(std::size_t at) const;
  // Appends the node's JSON pointer (RFC 6901); the root's is empty.
  void append_pointer(NodeId id, std::string& out) const;

 private:
  friend class IndexParser;
  [[nodiscard]] bool escaped_key_is(NodeId id, std::string_view key) const;

  // A key of an object that is still open.
  struct OpenKey {
    std::uint64_t head = 0;  // its first 8 bytes, big-endian: most comparisons end here
    std::string_view text;   // decoded
    std::uint32_t at = 0;    // in the source
  };

  // A container that is still open.
  struct Open {
    NodeId node = kNoNode;
    NodeId last = kNoNode;  // its last child so far
    std::uint32_t children = 0;
    std::size_t first_key = 0;  // in open_keys_
  };

  std::string_view source_;
  std::vector<Node> nodes_;
  std::vector<Open> open_;
  std::vector<OpenKey> open_keys_;
  Arena key_arena_;
};

}  // namespace davy::json
