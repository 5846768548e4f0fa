// Which fields of a request and of an answer cross the gateway. Hop-by-hop ones (RFC 9110
// 7.6.1) never reach these questions.
#pragma once

#include <string_view>

namespace davy::gateway {

// Fields of a request that do not go upstream: they are addressed to us, are written anew
// by us, claim what only we can know (addresses, who is billed), would have a server act on
// another path, host or method than the one that was judged, or may be read as another
// field by a server that takes "_" for "-".
[[nodiscard]] bool stays_here(std::string_view field) noexcept;

// Fields of an answer that do not go to the client: what only we may say, cookies, which
// belong to no API, and what speaks for the whole origin, which here is ours: which pages may
// read it, where else it is served, how one signs in.
[[nodiscard]] bool speaks_for_us(std::string_view field) noexcept;

}  // namespace davy::gateway
