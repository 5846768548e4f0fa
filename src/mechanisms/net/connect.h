// Making connections: to the first of several addresses that answers, or to a Unix socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/name_cache.h"
#include "mechanisms/net/task.h"

namespace davy::net {

// RFC 8305 section 5: how long one address has before the next is tried beside it.
inline constexpr std::chrono::milliseconds kAttemptDelay{250};
// Of a name with more, the first ones are tried.
inline constexpr std::size_t kMaxAttempts = 8;

// A TCP connection to one of `addresses`, in their order, the next after kAttemptDelay or
// when all before it have failed. Errors are `unavailable` with the last cause, or
// `limit` where this process or machine lacks what a connection needs: descriptors, ports,
// memory.
[[nodiscard]] Task<Result<std::unique_ptr<Connection>>> connect_tcp(
    Loop& loop, Addresses addresses, std::uint16_t port, std::chrono::nanoseconds timeout);

// To a stream socket at `path`.
[[nodiscard]] Task<Result<std::unique_ptr<Connection>>> connect_unix(
    Loop& loop, std::string path, std::chrono::nanoseconds timeout);

}  // namespace davy::net
