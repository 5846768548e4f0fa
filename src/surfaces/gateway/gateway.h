// The gateway: listens, takes exchanges through the pipeline, relays answers.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/admin_route.h"
#include "core/control.h"
#include "core/event_sink.h"
#include "core/metrics.h"
#include "core/redactor.h"
#include "core/snapshot.h"
#include "mechanisms/dialects/dialect.h"
#include "mechanisms/net/listening_sockets.h"
#include "mechanisms/net/proxy_settings.h"
#include "mechanisms/net/resolver.h"

namespace davy::gateway {

// All must outlive the gateway.
struct Services {
  const Clock& clock;
  const Control& control;
  EventSink& events;
  Metrics& metrics;
  const Redactor& redactor;
  std::span<const dialects::Dialect* const> dialects;  // at least one
  std::span<AdminRoute* const> admin_routes;
  const net::ProxySettings& proxies;
  net::Resolver::Lookup lookup = &net::Resolver::system_lookup;
  std::uint64_t descriptors = 1024;  // that the process may have open (ulimit -n)
};

// Thread-safe where not said otherwise.
class Gateway {
 public:
  // Binds every address of the snapshot's settings and serves. `loops` 0 = one per
  // usable core. On an error nothing is left listening.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> start(
      std::shared_ptr<const Snapshot> snapshot, const Services& services, std::size_t loops = 0);
  // The same without serving: connections wait until `serve`, which cannot fail. Sockets of
  // `inherited` that listen on such an address are used as they are.
  [[nodiscard]] static Result<std::unique_ptr<Gateway>> bind(
      std::shared_ptr<const Snapshot> snapshot, const Services& services,
      net::InheritedSockets& inherited, std::size_t loops = 0);
  virtual void serve() = 0;
  // Stops at once: exchanges under way are recorded as failed.
  virtual ~Gateway() = default;

  // New exchanges begin with this one; those under way finish with theirs. Certificates of
  // listeners are read again for new connections; one that cannot be read is told in the
  // log, and the old one stays in use.
  virtual void publish(std::shared_ptr<const Snapshot> snapshot) = 0;
  // Copies of every socket that listens, for another process. Not while stop_accepting runs,
  // and none after it.
  [[nodiscard]] virtual Result<std::vector<Fd>> sockets() const = 0;
  // Takes no new connections and lets exchanges finish, each the last of its connection; the
  // admin listener goes on. `handed_over`: another process has the sockets and serves who
  // waits in them, also the admin listener's; so no connection is ended that may yet be used.
  virtual void stop_accepting(bool handed_over) = 0;
  // Whether no exchange is left, nor a connection that was made for one a moment ago; of
  // `clients`, that none is connected. After stop_accepting, by the same thread.
  enum class Drained : std::uint8_t { exchanges, clients };
  [[nodiscard]] virtual bool drained(Drained what) const = 0;

  // Where it listens, in the order of the settings, then admin; with real ports for 0.
  [[nodiscard]] virtual std::vector<Endpoint> endpoints() const = 0;
};

}  // namespace davy::gateway
