#include "surfaces/gateway/tls_door.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {
namespace {

const MetricFamily kFailed{"davy_tls_handshakes_failed_total",
                           "Clients that came to no TLS connection, by listener.",
                           MetricKind::counter,
                           {"listener"}};
const MetricFamily kExpiry{"davy_tls_certificate_expiry_timestamp_seconds",
                           "When a listener's certificate expires, in seconds since 1970.",
                           MetricKind::gauge,
                           {"listener"}};

// Reads on for a moment, so that the alert which says why is not lost to a reset.
net::Task<void> let_go(net::Connection& client) {
  client.shut_down_writing();
  client.deadline_in(kLingerTime);
  for (std::size_t seen = 0; seen < kLingerBytes;) {
    const net::Io io = co_await client.read_more();
    if (io != net::Io::ok) co_return;
    seen += client.input().size();
    client.consume(client.input().size());
  }
}

}  // namespace

TlsDoor::TlsDoor(const Endpoint& endpoint, Metrics& metrics) : metrics_(metrics) {
  const std::string name = endpoint.text();
  const std::array<std::string_view, 1> label{name};
  failed_ = metrics.series(kFailed, label);
  expiry_ = metrics.series(kExpiry, label);
}

Result<std::unique_ptr<TlsDoor>> TlsDoor::open(const Endpoint& endpoint, Metrics& metrics) {
  std::unique_ptr<TlsDoor> door(new TlsDoor(endpoint, metrics));
  DAVY_TRY(door->reload(*endpoint.tls));
  return door;
}

Result<void> TlsDoor::reload(const ListenTls& files) {
  DAVY_ASSIGN(auto server, net::TlsServer::load(files));
  auto fresh = std::make_shared<const net::TlsServer>(std::move(server));
  metrics_.set(expiry_, unix_seconds(fresh->validity().until));
  const std::lock_guard lock(mutex_);
  server_ = std::move(fresh);
  return {};
}

std::shared_ptr<const net::TlsServer> TlsDoor::current() const {
  const std::lock_guard lock(mutex_);
  return server_;
}

net::Task<TlsDoor::Entry> TlsDoor::enter(net::Connection& client) {
  client.deadline_in(kHandshakeTime);
  const auto server = current();
  const auto secured = co_await client.accept_tls(*server);
  if (secured) co_return Entry::secured;
  metrics_.add(failed_, 1);
  static log::Sampled sampled(3, 10);
  sampled.write(log::Level::warning, "no TLS connection with a client",
                {{"why", secured.error().message}, {"client", client.peer().text()}},
                static_cast<std::int64_t>(unix_seconds(client.loop().now().wall)));
  if (client.spoke_plain_http()) co_return Entry::spoke_http;
  co_await let_go(client);
  co_return Entry::refused;
}

}  // namespace davy::gateway
