// The lines that commands and the server exchange over home/davy.sock.
//
//   → {"verb":"key.create","arguments":{…}}
//   ← {"ok":{…}}  or  {"error":{"kind":"invalid_input","message":"…","hint":"…"}}
//
// Each is one line, UTF-8, ended by LF, at most kMaxOrderLine bytes with it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace davy::store {

inline constexpr std::size_t kMaxOrderLine = 1 << 20;
inline constexpr std::size_t kMaxVerb = 64;

struct OrderLine {
  std::string verb;       // [a-z][a-z_.]*
  std::string arguments;  // one JSON object
};

// `line` is without its LF. Depth is at most 16; a key that is neither "verb" nor
// "arguments", or anything after the object is refused. Of a key that stands twice the
// last counts: both sides are this program.
[[nodiscard]] Result<OrderLine> parse_order_line(std::string_view line);
// With LF. `arguments` must be one JSON object; else invalid_input.
[[nodiscard]] Result<std::string> order_line(std::string_view verb, std::string_view arguments);

// The object of "ok", or the error of "error" as the server had it.
[[nodiscard]] Result<std::string> parse_answer_line(std::string_view line);
// With LF.
[[nodiscard]] std::string answer_line(const Result<std::string>& result);

}  // namespace davy::store
