// Reads many streams at once and tells how long each piece was on its way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct ClientOptions {
  std::uint16_t port = 0;
  std::string key;  // "" = none is sent
  std::uint32_t streams = 0;
  std::uint32_t pieces = 0;   // that each stream must have
  std::uint32_t skip = 0;     // first pieces of a stream whose time does not count
  std::int64_t limit_ns = 0;  // for all of it
};

struct ClientResult {
  std::vector<std::int64_t> delays_ns;  // of the pieces that count, in any order
  std::uint64_t pieces = 0;             // that came, in order, each once
  std::uint64_t lost = 0;               // that did not come, or not in order
  std::uint64_t broken = 0;             // streams without their proper end
  std::string complaint;                // of the first broken one
};

// Opens all streams, at most 64 at a time on their way to an answer, and reads them to their
// ends or to the limit.
[[nodiscard]] ClientResult read_streams(const ClientOptions& options);

}  // namespace bench
