// YAML for files that people write: one document, no surprises, every node with its place.
//
// What YAML has and a configuration does not need is refused with its place, never
// ignored: anchors and aliases (a small file could grow without bound), tags, several
// documents, keys that are no text, a key that stands twice, control characters.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/config.h"

namespace davy::formats {

struct YamlLimits {
  std::size_t bytes = 1 << 20;
  std::size_t depth = 32;       // of lists and maps
  std::size_t nodes = 100'000;  // values and keys
};

// The document as a tree, or nothing if it cannot be read. After a key that stands twice
// the tree is there, with the first value, and `diagnostics` has the error. An empty
// document is a null node at 1:1. Lines and columns count from 1, columns in bytes; a
// leading byte order mark counts for nothing. Messages hold no value of the file, only
// keys. Never throws but for lack of memory. Thread-safe.
[[nodiscard]] std::optional<ConfigNode> read_yaml(std::string_view text, const std::string& file,
                                                  Diagnostics& diagnostics,
                                                  const YamlLimits& limits = {});

}  // namespace davy::formats
