// Sockets that listen: made here, or handed over by another process, be it a davy that is
// being replaced or a service manager.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "core/settings.h"

namespace davy::net {

struct ListeningSockets {
  Endpoint endpoint;        // with the real port
  std::vector<Fd> sockets;  // at least one; non-blocking
};

// TCP: `count` sockets that share the port (SO_REUSEPORT), so that the kernel spreads
// connections over them; after a plain bind, so that a second instance is refused and does
// not share. An IPv6 address means IPv6 alone: [::]:8080 leaves 0.0.0.0:8080 to another
// listener (IPV6_V6ONLY).
//
// A Unix socket: one, with the endpoint's mode before anybody can connect. What a dead
// process left at the path is replaced, after a connect shows that nobody listens; a live
// one, or anything that is no socket, is refused.
//
// What is in use is `unavailable` with what to do.
[[nodiscard]] Result<ListeningSockets> listen_on(const Endpoint& endpoint, std::size_t count);

// Takes the path of a Unix socket away if nobody listens there any more, neither we nor
// another process that took the socket over. Nothing for other endpoints.
void remove_path(const Endpoint& endpoint);

// Sockets from another process, until somebody takes them.
class InheritedSockets {
 public:
  // `socket` must listen on a stream; invalid_input otherwise.
  [[nodiscard]] Result<void> add(Fd socket);
  // All that listen on this endpoint; none: it must be bound.
  [[nodiscard]] std::vector<Fd> take(const Endpoint& endpoint);
  // Addresses of those that nobody took.
  [[nodiscard]] std::vector<std::string> left() const;

 private:
  struct Socket {
    std::string address;  // as Endpoint::text() gives it
    Fd fd;
  };
  std::vector<Socket> sockets_;
};

}  // namespace davy::net
