// Paths of request targets, where part of one goes on to another server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davy::http1 {

// Percent-decoded; nothing for an escape that is none, and for what no name holds: "/",
// "\", control characters and bytes that are not UTF-8.
[[nodiscard]] std::optional<std::string> decode_segment(std::string_view segment);

// The other way: all but letters, digits and "-._~" escaped (RFC 3986 2.3).
[[nodiscard]] std::string encode_segment(std::string_view name);

// Whether every server takes the path for the same: it begins with "/", no segment but the
// last is empty, none is "." or ".." also when decoded or before a ";", and each can be
// decoded as above and then holds no further escape. ("/models/m/%2e%2e/admin" leads some servers
// elsewhere.)
[[nodiscard]] bool is_clean_path(std::string_view path);

}  // namespace davy::http1
