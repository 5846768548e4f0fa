#include "mechanisms/net/connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace davy::net {
namespace {

using AnySocket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;
using AnyEndpoint = asio::generic::stream_protocol::endpoint;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

AnyEndpoint endpoint_of(const Address& address, std::uint16_t port) {
  if (address.family == Address::Family::v4) {
    asio::ip::address_v4::bytes_type bytes;
    std::copy_n(address.bytes.begin(), bytes.size(), bytes.begin());
    return asio::ip::tcp::endpoint(asio::ip::address_v4(bytes), port);
  }
  return asio::ip::tcp::endpoint(asio::ip::address_v6(address.bytes), port);
}

// Shared by the one who waits and the attempts, which may end after it has gone.
struct Race {
  explicit Race(Executor executor) : wake(executor) {}
  Timer wake;
  std::vector<std::unique_ptr<AnySocket>> attempts;
  std::optional<std::size_t> winner;
  std::size_t failed = 0;
  boost::system::error_code last;
};

void attempt(const std::shared_ptr<Race>& race, const AnyEndpoint& endpoint) {
  const std::size_t index = race->attempts.size();
  race->attempts.push_back(std::make_unique<AnySocket>(race->wake.get_executor()));
  race->attempts.back()->async_connect(endpoint, [race, index](boost::system::error_code error) {
    if (error) {
      ++race->failed;
      race->last = error;
    } else if (!race->winner) {
      race->winner = index;
    }
    race->wake.cancel();
  });
}

// What this process or machine lacks says nothing about the other side.
bool is_our_lack(const boost::system::error_code& error) {
  using namespace boost::system::errc;
  for (const errc_t lack : {too_many_files_open, too_many_files_open_in_system, no_buffer_space,
                            not_enough_memory, address_not_available}) {
    if (error == lack) return true;
  }
  return false;
}

Error no_connection(const std::string& why) {
  return unavailable("it does not accept connections: " + why, {},
                     "check that it runs and that the address is right");
}

Task<Result<std::unique_ptr<Connection>>> connect_any(Loop& loop,
                                                      std::vector<AnyEndpoint> endpoints,
                                                      std::chrono::nanoseconds timeout) {
  const SteadyTime end = loop.steady() + timeout;
  auto race = std::make_shared<Race>(loop.executor());
  std::size_t begun = 0;
  bool next = true;
  for (;;) {
    if (next && begun < endpoints.size()) attempt(race, endpoints[begun++]);
    const auto left = end - loop.steady();
    const bool more = begun < endpoints.size();
    if (left.count() <= 0) break;
    race->wake.expires_after(more ? std::min<std::chrono::nanoseconds>(left, kAttemptDelay) : left);
    boost::system::error_code woken;
    co_await race->wake.async_wait(asio::redirect_error(kAwait, woken));
    if (race->winner) break;
    next = !woken || race->failed == begun;
    if (race->failed == endpoints.size()) break;
  }
  if (!race->winner) {
    for (auto& socket : race->attempts) {
      boost::system::error_code ignored;
      socket->close(ignored);
    }
    if (is_our_lack(race->last)) {
      co_return limit_reached("no connection can be made from here: " + race->last.message(), {},
                              "raise the limit of open files, or have fewer connections");
    }
    co_return no_connection(race->last ? race->last.message() : "no answer in time");
  }
  boost::system::error_code ignored;
  Fd fd(race->attempts[*race->winner]->release(ignored));
  for (auto& socket : race->attempts) {
    if (socket->is_open()) socket->close(ignored);
  }
  const int on = 1;  // of no effect on a Unix socket
  (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  co_return std::make_unique<Connection>(std::move(fd), loop);
}

}  // namespace

Task<Result<std::unique_ptr<Connection>>> connect_tcp(Loop& loop, Addresses addresses,
                                                      std::uint16_t port,
                                                      std::chrono::nanoseconds timeout) {
  if (addresses.empty()) co_return no_connection("it has no address");
  std::vector<AnyEndpoint> endpoints;
  for (const Address& address : addresses) {
    if (endpoints.size() < kMaxAttempts) endpoints.push_back(endpoint_of(address, port));
  }
  co_return co_await connect_any(loop, std::move(endpoints), timeout);
}

Task<Result<std::unique_ptr<Connection>>> connect_unix(Loop& loop, std::string path,
                                                       std::chrono::nanoseconds timeout) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) {
    co_return no_connection("the path of its socket is too long");
  }
  std::vector<AnyEndpoint> endpoints{asio::local::stream_protocol::endpoint(path)};
  co_return co_await connect_any(loop, std::move(endpoints), timeout);
}

}  // namespace davy::net
