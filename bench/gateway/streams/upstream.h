// A model API that streams: every request gets `pieces` pieces, one every `every_ns`.
//
// The first pieces of the streams are spread evenly over the interval, whenever their
// requests came, so that the load is level: with 2,000 streams and 200 ms there is one piece
// every 100 us. A piece carries the moment at which it was given to the kernel.
#pragma once

#include <cstdint>

namespace bench {

struct UpstreamOptions {
  std::uint16_t port = 0;
  std::uint32_t pieces = 0;
  std::int64_t every_ns = 0;
};

// Serves until a signal ends the process. A reader that is too slow for its stream ends it:
// nothing is queued here, so the client sees that pieces are missing.
[[noreturn]] void serve(const UpstreamOptions& options);

}  // namespace bench
