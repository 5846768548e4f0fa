// One GET over a plain connection, waited for: how a command asks a running server.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/settings.h"

namespace davy::net {

struct ProbeAnswer {
  int status = 0;
  std::string body;  // as it came, at most 64 KiB with the head
};

// `path` begins with `/` and needs no escape. An unspecified address (0.0.0.0, ::) is
// reached over loopback. `unavailable` where nobody answers within `patience`, and where
// what answers speaks no HTTP/1.1.
[[nodiscard]] Result<ProbeAnswer> probe(const Endpoint& endpoint, std::string_view path,
                                        std::chrono::milliseconds patience, const Clock& clock);

}  // namespace davy::net
