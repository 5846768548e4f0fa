// Accepting connections, on every loop.
#pragma once

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "core/settings.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/listening_sockets.h"
#include "mechanisms/net/loop.h"

namespace davy::net {

// What serves one accepted connection; it runs on the connection's loop and owns it.
using Serve = std::function<Task<void>(std::unique_ptr<Connection> connection)>;

class Listener {
 public:
  // On the first `loop_count` loops. Port 0 takes a free one; `endpoint()` says which.
  // Sockets of `inherited` that listen on this endpoint are used as they are, all of them:
  // one that is closed would drop the connections that wait in it. Else see listen_on().
  [[nodiscard]] static Result<std::unique_ptr<Listener>> bind(
      const Endpoint& endpoint, Loops& loops, std::size_t loop_count,
      InheritedSockets* inherited = nullptr);
  // Only while the loops do not run: its sockets belong to them. Takes the path of a Unix
  // socket away, unless another process listens there by now.
  ~Listener();

  // Begins to accept. When no descriptor is left it waits and goes on, and says so.
  void start(Serve serve);
  // Ends accepting; connections that run go on. Those that wait in the kernel are still
  // taken, unless `handed_over`: then another process has these sockets too and takes
  // them. Thread-safe, returns at once.
  void stop(bool handed_over = false);
  // Whether all that waited when it was stopped is with its `serve`. Thread-safe.
  [[nodiscard]] bool stopped() const noexcept {
    return accepting_.load(std::memory_order_acquire) == 0;
  }

  [[nodiscard]] const Endpoint& endpoint() const noexcept { return bound_.endpoint; }
  // For another process. They are ours, and go with stop().
  [[nodiscard]] const std::vector<Fd>& sockets() const noexcept { return bound_.sockets; }
  // Copies of these, behind what is in `out`.
  [[nodiscard]] Result<void> copy_sockets(std::vector<Fd>& out) const;

 private:
  using Protocol = asio::generic::stream_protocol;
  using Accepted = asio::basic_stream_socket<Protocol, Executor>;
  struct Part {
    explicit Part(Loop& l) : loop(l), acceptor(l.executor()) {}
    Loop& loop;
    asio::basic_socket_acceptor<Protocol, Executor> acceptor;
    Serve serve;
    bool stopped = false;
  };

  explicit Listener(ListeningSockets bound) : bound_(std::move(bound)) {}
  static Task<void> accept(Part& part);
  static void begin(Part& part, Accepted socket);
  void end(Part& part, bool take_waiting);

  ListeningSockets bound_;  // each part accepts from a duplicate of one of its sockets
  std::vector<std::unique_ptr<Part>> parts_;
  std::atomic<std::size_t> accepting_{0};  // parts that do
};

}  // namespace davy::net
