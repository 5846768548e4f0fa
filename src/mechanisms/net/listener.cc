#include "mechanisms/net/listener.h"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace davy::net {

Listener::~Listener() {
  parts_.clear();
  bound_.sockets.clear();
  remove_path(bound_.endpoint);
}

Result<std::unique_ptr<Listener>> Listener::bind(const Endpoint& endpoint, Loops& loops,
                                                 std::size_t loop_count,
                                                 InheritedSockets* inherited) {
  loop_count = std::min(loop_count, loops.size());
  ListeningSockets bound{endpoint, {}};
  if (inherited != nullptr) bound.sockets = inherited->take(endpoint);
  if (bound.sockets.empty()) {
    DAVY_ASSIGN(bound, listen_on(endpoint, loop_count));
  }
  std::unique_ptr<Listener> out(new Listener(std::move(bound)));
  const auto& sockets = out->bound_.sockets;
  // A loop may get several sockets, and a socket several loops.
  for (std::size_t i = 0; i < std::max(loop_count, sockets.size()); ++i) {
    auto part = std::make_unique<Part>(loops[i % loop_count]);
    Fd fd(::fcntl(sockets[i % sockets.size()].get(), F_DUPFD_CLOEXEC, 0));
    boost::system::error_code error;
    // What family it is, only bind() asks the protocol for.
    if (fd.valid()) part->acceptor.assign(Protocol(AF_UNSPEC, 0), fd.get(), error);
    if (!fd.valid() || error) {
      return unavailable("cannot listen on " + endpoint.text() + ": " +
                             (error ? error.message() : std::string(strerrordesc_np(errno))),
                         endpoint.place, "raise ulimit -n");
    }
    (void)fd.release();
    out->parts_.push_back(std::move(part));
  }
  out->accepting_ = out->parts_.size();
  return out;
}

Result<void> Listener::copy_sockets(std::vector<Fd>& out) const {
  for (const Fd& socket : bound_.sockets) {
    Fd copy(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) {
      return unavailable("cannot copy a socket: " + std::string(strerrordesc_np(errno)), {},
                         "raise ulimit -n");
    }
    out.push_back(std::move(copy));
  }
  return {};
}

void Listener::start(Serve serve) {
  for (auto& part : parts_) {
    part->serve = serve;
    part->loop.spawn(accept(*part));
  }
}

void Listener::stop(bool handed_over) {
  bound_.sockets.clear();
  for (auto& part : parts_) {
    part->loop.post([this, raw = part.get(), handed_over] { end(*raw, !handed_over); });
  }
}

void Listener::begin(Part& part, Accepted socket) {
  boost::system::error_code ignored;
  Fd fd(socket.release(ignored));
  part.loop.spawn(part.serve(std::make_unique<Connection>(std::move(fd), part.loop)));
}

void Listener::end(Part& part, bool take_waiting) {
  if (std::exchange(part.stopped, true)) return;
  boost::system::error_code error;
  part.acceptor.non_blocking(true, error);
  while (take_waiting && !error) {
    Accepted socket(part.loop.executor());
    part.acceptor.accept(socket, error);
    if (!error) begin(part, std::move(socket));
  }
  part.acceptor.close(error);
  accepting_.fetch_sub(1, std::memory_order_release);
}

Task<void> Listener::accept(Part& part) {
  static log::Sampled trouble(3, 10);
  Loop& loop = part.loop;
  while (!part.stopped) {
    boost::system::error_code error;
    Accepted socket(loop.executor());
    co_await part.acceptor.async_accept(socket, asio::redirect_error(kAwait, error));
    // Stopped, or gone together with the listener: `part` may not be looked at any more.
    if (error == asio::error::operation_aborted) co_return;
    if (!error) {
      begin(part, std::move(socket));
      continue;
    }
    // Out of descriptors or memory: waiting is the only help, and ending would be silent.
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(loop.now().wall);
    trouble.write(log::Level::warning, "cannot accept a connection", {{"why", error.message()}},
                  now.time_since_epoch().count());
    asio::steady_timer pause(loop.executor(), std::chrono::milliseconds(50));
    co_await pause.async_wait(asio::redirect_error(kAwait, error));
    if (error) co_return;
  }
}

}  // namespace davy::net
