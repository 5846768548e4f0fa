// Bounds of the gateway. They are not options yet: each suits model APIs, whose requests
// are at most some megabytes and whose answers take minutes.
#pragma once

#include <chrono>
#include <cstddef>

namespace davy::gateway {

inline constexpr std::size_t kMaxRequestBody = 16 * 1024 * 1024;
// Of a chunked request, framing and all: the bytes are kept until the body is whole.
inline constexpr std::size_t kMaxChunkedBytes = 2 * kMaxRequestBody;
inline constexpr std::size_t kMaxAnswerBody = 32 * 1024 * 1024;

// A whole head must come within this time of its first byte (slow loris).
inline constexpr std::chrono::seconds kHeadTime{10};
inline constexpr std::chrono::seconds kBodyTime{60};
// Between requests; nginx's keepalive_timeout is 75 s.
inline constexpr std::chrono::seconds kIdleTime{75};
// A client that reads nothing for so long is let go.
inline constexpr std::chrono::seconds kWriteTime{60};
// A large answer goes out in pieces of this size, each with that time.
inline constexpr std::size_t kWritePiece = 256 * 1024;

inline constexpr std::chrono::seconds kConnectTime{5};
// The openai package waits 600 s for an answer.
inline constexpr std::chrono::seconds kAnswerTime{600};
// Between two pieces of a stream.
inline constexpr std::chrono::seconds kStreamPause{300};

// How often we look whether the client is still there while the model works: nobody
// should pay for words that nobody reads. As in nginx, a client that ends its sending
// side before its answer has come counts as gone.
inline constexpr std::chrono::milliseconds kClientWatch{500};

// After an answer to a request that was not read to its end: how much and how long we
// still read, so that the client sees the answer and not a reset.
inline constexpr std::size_t kLingerBytes = 1024 * 1024;
inline constexpr std::chrono::seconds kLingerTime{2};

}  // namespace davy::gateway
