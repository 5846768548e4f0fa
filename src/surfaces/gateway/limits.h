// Bounds of the gateway: the section `limits:` of the configuration, and what is no option.
// What a model's upstreams may take is said of each model (core/model.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/config.h"

namespace davy::gateway {

// The defaults suit model APIs, whose requests are at most some megabytes and whose answers
// take minutes.
struct Limits final : ConfigValue {
  std::size_t request_body = std::size_t{16} << 20;

  // A whole head must come within this time of its first byte (slow loris) ...
  std::chrono::milliseconds header_timeout{10'000};
  // ... and its body within this time of the head.
  std::chrono::milliseconds body_timeout{60'000};
  // Between requests; nginx's keepalive_timeout is 75 s.
  std::chrono::milliseconds idle_timeout{75'000};
  // A client that reads nothing for so long is let go.
  std::chrono::milliseconds write_timeout{60'000};
  // From a request's head to the end of its answer; 0 = no bound.
  std::chrono::milliseconds total_timeout{0};

  // Of clients at once; 0 = as descriptors allow, see connection_bounds().
  std::size_t connections = 0;
  // Of one client's address (of IPv6 a /64, since one machine has at least that); 0 = as
  // many as of all.
  std::size_t connections_per_client = 0;
};

[[nodiscard]] std::unique_ptr<ConfigSection> limits_section();

// Of a configuration that was read without the section: the defaults.
[[nodiscard]] const Limits& limits_of(const Config& config);

// How many connections of clients a process with so many descriptors (ulimit -n) may have.
struct ConnectionBounds {
  std::size_t usual = 0;  // where `limits.connections` says nothing: each may need an upstream
  std::size_t most = 0;   // whatever it says, or accepting would fail
};
[[nodiscard]] ConnectionBounds connection_bounds(std::uint64_t descriptors) noexcept;

// Of a chunked request, framing and all: the bytes are kept until the body is whole.
[[nodiscard]] constexpr std::size_t most_chunked_bytes(const Limits& limits) noexcept {
  return 2 * limits.request_body;
}

// Connections too many that are told so at once; more of them are ended without a word.
inline constexpr int kMostToldAway = 32;

// Where the model says no max_answer_bytes. A whole answer is kept in memory, a stream is
// not: at a hundred tokens a second it would take hours to grow so large.
inline constexpr std::size_t kMaxAnswerBody = 32 * 1024 * 1024;
inline constexpr std::size_t kMaxStreamBody = 256 * 1024 * 1024;

// A large answer goes out in pieces of this size, each within write_timeout.
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

// When we stop, a connection that was just made has so long to send the request that it was
// made for.
inline constexpr std::chrono::seconds kFirstRequestTime{1};

}  // namespace davy::gateway
