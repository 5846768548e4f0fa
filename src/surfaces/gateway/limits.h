// Bounds of the gateway. They are not options yet: each suits model APIs, whose requests
// are at most some megabytes and whose answers take minutes.
#pragma once

#include <chrono>
#include <cstddef>

namespace davy::gateway {

inline constexpr std::size_t kMaxRequestBody = 16 * 1024 * 1024;
// Of a chunked request, framing and all: the bytes are kept until the body is whole.
inline constexpr std::size_t kMaxChunkedBytes = 2 * kMaxRequestBody;
// Where the model says no max_answer_bytes. A whole answer is kept in memory, a stream is
// not: at a hundred tokens a second it would take hours to grow so large.
inline constexpr std::size_t kMaxAnswerBody = 32 * 1024 * 1024;
inline constexpr std::size_t kMaxStreamBody = 256 * 1024 * 1024;

// A whole head must come within this time of its first byte (slow loris).
inline constexpr std::chrono::seconds kHeadTime{10};
inline constexpr std::chrono::seconds kBodyTime{60};
// Between requests; nginx's keepalive_timeout is 75 s.
inline constexpr std::chrono::seconds kIdleTime{75};
// A client that reads nothing for so long is let go.
inline constexpr std::chrono::seconds kWriteTime{60};
// A large answer goes out in pieces of this size, each with that time.
inline constexpr std::size_t kWritePiece = 256 * 1024;

// How often idle connections to upstreams are looked through.
inline constexpr std::chrono::seconds kSweepTime{1};

// A client that ended its sending side behind its request is answered if the answer comes
// within this time; one that ends it later is gone at once, as in nginx.
inline constexpr std::chrono::milliseconds kHalfClosedTime{500};

// After an answer to a request that was not read to its end: how much and how long we
// still read, so that the client sees the answer and not a reset.
inline constexpr std::size_t kLingerBytes = 1024 * 1024;
inline constexpr std::chrono::seconds kLingerTime{2};

}  // namespace davy::gateway
