#include "mechanisms/net/upstream_pool.h"

#include <boost/asio/ip/basic_resolver.hpp>

#include "mechanisms/net/tls.h"

namespace davy::net {
namespace {

// With the system's authorities.
Task<Result<void>> secure(Connection& connection, const UpstreamUrl& url) {
  static const Result<TlsClient> client = TlsClient::load({});
  if (!client) co_return client.error();
  auto secured = co_await connection.connect_tls(*client, url.host);
  if (secured) co_return Result<void>();
  Error why = secured.error();
  why.message = "upstream " + url.authority() + ": " + why.message;
  co_return why;
}

}  // namespace

std::vector<UpstreamPool::Idle>& UpstreamPool::idle_for(const UpstreamUrl& url) {
  for (Upstream& known : upstreams_) {
    if (known.port == url.port && known.tls == url.tls && known.host == url.host) {
      return known.idle;
    }
  }
  return upstreams_.emplace_back(Upstream{url.host, url.port, url.tls, {}}).idle;
}

std::unique_ptr<Connection> UpstreamPool::take_idle(const UpstreamUrl& url, SteadyTime now) {
  auto& idle = idle_for(url);
  while (!idle.empty()) {
    Idle last = std::move(idle.back());
    idle.pop_back();
    if (now - last.since < kIdleTime && last.connection->usable_while_idle()) {
      return std::move(last.connection);
    }
  }
  return nullptr;
}

Task<Result<std::unique_ptr<Connection>>> UpstreamPool::connect(
    const UpstreamUrl& url, std::chrono::nanoseconds connect_timeout) {
  if (!url.socket.empty()) {
    co_return invalid_input("upstream " + url.authority() +
                            " is a Unix socket, which this "
                            "version cannot reach");
  }
  boost::system::error_code error;
  std::vector<asio::ip::tcp::endpoint> endpoints;
  if (const auto address = asio::ip::make_address(url.host, error); !error) {
    endpoints.emplace_back(address, url.port);
  } else {
    asio::ip::basic_resolver<asio::ip::tcp, Executor> resolver(loop_.executor());
    const auto found = co_await resolver.async_resolve(url.host, std::to_string(url.port),
                                                       asio::redirect_error(kAwait, error));
    if (error) {
      co_return unavailable(
          "the name of upstream " + url.authority() + " cannot be resolved: " + error.message(), {},
          "check the host name and the resolver");
    }
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  }
  for (const auto& endpoint : endpoints) {
    Socket socket(loop_.executor());
    const auto cancel = [](void* context) noexcept {
      boost::system::error_code ignored;
      static_cast<Socket*>(context)->cancel(ignored);
    };
    TimerWheel::Timer deadline(loop_.timers(), cancel, &socket);
    deadline.set(connect_timeout);
    error = {};
    co_await socket.async_connect(endpoint, asio::redirect_error(kAwait, error));
    if (error) continue;
    auto connection = std::make_unique<Connection>(std::move(socket), loop_);
    if (url.tls) {
      connection->deadline_in(connect_timeout);
      const auto secured = co_await secure(*connection, url);
      if (!secured) co_return secured.error();
      connection->no_deadline();
    }
    co_return connection;
  }
  co_return unavailable("upstream " + url.authority() + " does not accept connections: " +
                            (error ? error.message() : std::string("no address")),
                        {}, "check that it runs and that the address is right");
}

void UpstreamPool::put_back(const UpstreamUrl& url, std::unique_ptr<Connection> connection,
                            SteadyTime now) {
  connection->no_deadline();
  auto& idle = idle_for(url);
  if (idle.size() >= kMaxIdle || !connection->input().empty() || connection->output_waits()) return;
  connection->shrink();
  idle.push_back({std::move(connection), now});
}

std::size_t UpstreamPool::idle() const noexcept {
  std::size_t count = 0;
  for (const Upstream& upstream : upstreams_) count += upstream.idle.size();
  return count;
}

}  // namespace davy::net
