// Listening: one socket per loop with SO_REUSEPORT, so that the kernel spreads
// connections and no lock is shared; after a plain bind, so that a second instance on
// the same port is refused instead of sharing it.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "core/settings.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/loop.h"

namespace davy::net {

// What serves one accepted connection; it runs on the connection's loop and owns it.
using Serve = std::function<Task<void>(std::unique_ptr<Connection> connection)>;

class Listener {
 public:
  // Binds one socket on each of the first `loop_count` loops. Port 0 takes a free one;
  // `endpoint()` says which. An address in use is `unavailable` with what to do.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> bind(const Endpoint& endpoint,
                                                              Loops& loops, std::size_t loop_count);
  // Only while the loops do not run: its sockets belong to them.
  ~Listener();

  // Begins to accept. When no descriptor is left it waits and goes on, and says so.
  void start(Serve serve);
  // Ends accepting; connections that run go on. Thread-safe, returns at once.
  void stop();

  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
  struct Part {
    Part(Loop& l) : loop(l), acceptor(l.executor()) {}
    Loop& loop;
    Acceptor acceptor;
  };

  explicit Listener(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  static Task<void> accept(Part& part, Serve serve);

  Endpoint endpoint_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace davy::net
