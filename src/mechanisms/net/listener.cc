#include "mechanisms/net/listener.h"

#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"

namespace davy::net {
namespace {

constexpr int kBacklog = 4096;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

Error cannot_listen(const Endpoint& endpoint, const boost::system::error_code& error) {
  const std::string what = "cannot listen on " + endpoint.text() + ": " + error.message();
  if (error == asio::error::address_in_use) {
    return unavailable(what, endpoint.place,
                       "another program has this port, perhaps another davy; stop it or choose "
                       "another port");
  }
  if (error == asio::error::access_denied) {
    return unavailable(what, endpoint.place,
                       "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one");
  }
  return unavailable(what, endpoint.place, "check the address");
}

template <class Acceptor>
boost::system::error_code bind_one(Acceptor& acceptor, const asio::ip::tcp::endpoint& at,
                                   bool share) {
  boost::system::error_code error;
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error && share) acceptor.set_option(ReusePort(true), error);
  if (!error && at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(kBacklog, error);
  return error;
}

}  // namespace

Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::bind(const Endpoint& endpoint, Loops& loops,
                                                 std::size_t loop_count) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(endpoint.host, error);
  if (error) return cannot_listen(endpoint, error);
  asio::ip::tcp::endpoint at(address, endpoint.port);
  std::unique_ptr<Listener> out(new Listener(endpoint));
  {
    Acceptor probe(loops[0].executor());
    error = bind_one(probe, at, false);
    if (error) return cannot_listen(endpoint, error);
    at.port(probe.local_endpoint().port());
  }
  out->endpoint_.port = at.port();
  for (std::size_t i = 0; i < loop_count && i < loops.size(); ++i) {
    auto part = std::make_unique<Part>(loops[i]);
    error = bind_one(part->acceptor, at, true);
    if (error) return cannot_listen(endpoint, error);
    out->parts_.push_back(std::move(part));
  }
  return out;
}

void Listener::start(Serve serve) {
  for (auto& part : parts_) part->loop.spawn(accept(*part, serve));
}

void Listener::stop() {
  for (auto& part : parts_) {
    part->loop.post([raw = part.get()] {
      boost::system::error_code ignored;
      raw->acceptor.close(ignored);
    });
  }
}

Task<void> Listener::accept(Part& part, Serve serve) {
  static log::Sampled trouble(3, 10);
  Loop& loop = part.loop;
  for (;;) {
    boost::system::error_code error;
    Socket socket(loop.executor());
    co_await part.acceptor.async_accept(socket, asio::redirect_error(kAwait, error));
    // Stopped, or gone together with the listener: `part` may not be looked at any more.
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors or memory: waiting is the only help, and ending would be silent.
      const auto now = std::chrono::time_point_cast<std::chrono::seconds>(loop.now().wall);
      trouble.write(log::Level::warning, "cannot accept a connection", {{"why", error.message()}},
                    now.time_since_epoch().count());
      asio::steady_timer pause(loop.executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(asio::redirect_error(kAwait, error));
      continue;
    }
    loop.spawn(serve(std::make_unique<Connection>(std::move(socket), loop)));
  }
}

}  // namespace davy::net
