// What the fields of one head say, gathered in one pass. Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mechanisms/net/http1/parser.h"

namespace davy::http1 {

struct HeadParser::Meaning {
  std::size_t hosts = 0;
  std::size_t host = 0;  // index of the first Host field
  std::optional<std::uint64_t> length;
  std::size_t listed = 0;  // things that Connection lists
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool names_upgrade = false;
  bool has_upgrade = false;
  bool expect = false;
};

}  // namespace davy::http1
