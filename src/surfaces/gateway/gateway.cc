#include "surfaces/gateway/gateway.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/strings.h"
#include "core/address.h"
#include "mechanisms/net/http_server.h"
#include "mechanisms/net/listener.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/gateway/serve_client.h"
#include "surfaces/gateway/tls_door.h"
#include "surfaces/gateway/upstream_keeper.h"

namespace davy::gateway {
namespace {

// A page in a browser can reach a port of this machine by a name that the page's owner
// points here; whoever means us says localhost or an address.
bool names_this_machine(std::string_view host) {
  if (host.starts_with('[')) return true;
  const std::string_view name = host.substr(0, host.rfind(':'));
  return name.empty() || equal_ignoring_case(name, "localhost") || parse_address(name).has_value();
}

class RunningGateway final : public Gateway {
 public:
  RunningGateway(std::shared_ptr<const Snapshot> snapshot, const Services& services,
                 std::size_t loops)
      : names_(services.clock, services.lookup),
        upstreams_(names_, services.metrics, services.proxies),
        snapshots_(Published::make(std::move(snapshot), upstreams_)),
        routes_(services.dialects),
        workers_(std::make_unique<net::WorkerPool>(loops)),
        shared_{.snapshots = snapshots_,
                .routes = routes_,
                .control = services.control,
                .events = services.events,
                .metrics = services.metrics,
                .redactor = services.redactor,
                .workers = *workers_,
                .names = names_,
                .upstreams = upstreams_,
                .connections = connection_bounds(services.descriptors)},
        loops_(loops, services.clock),
        admin_routes_(services.admin_routes.begin(), services.admin_routes.end()) {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      states_.push_back(std::make_unique<LoopState>(loops_[i], shared_));
      states_.back()->upstream_sweep.set(kSweepTime);
    }
    keeper_.emplace(*states_.front());
  }

  // First the loops' threads, so that nothing resumes. Then the workers, whose work refers
  // to exchanges. Then idle connections, which must not outlive their loop; the exchanges
  // themselves go with the loops and still use the states.
  ~RunningGateway() override {
    loops_.stop();
    workers_.reset();
    names_.close();
    for (auto& state : states_) {
      state->upstreams.clear();
      state->upstream_sweep.clear();
    }
  }

  Result<void> listen(const Settings& settings, net::InheritedSockets& inherited) {
    for (const Endpoint& endpoint : settings.listen) {
      Door door{nullptr, endpoint.proxy_protocol};
      if (endpoint.tls) {
        DAVY_ASSIGN(door.tls, TlsDoor::open(endpoint, shared_.metrics));
      }
      DAVY_ASSIGN(auto listener, net::Listener::bind(endpoint, loops_, loops_.size(), &inherited));
      listeners_.push_back(std::move(listener));
      doors_.push_back(std::move(door));
    }
    DAVY_ASSIGN(admin_, net::Listener::bind(settings.admin, loops_, 1, &inherited));
    return {};
  }

  void serve() override {
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      listeners_[i]->start([this, &door = doors_[i]](std::unique_ptr<net::Connection> connection) {
        LoopState& state = *states_[connection->loop().index()];
        return serve_client(state, std::move(connection), door, std::make_unique<Serving>(shared_));
      });
    }
    net::HttpServerLimits limits;
    limits.closing = &admin_closes_;
    admin_->start(
        net::http_serve([this](const net::HttpRequest& request,
                               net::Responder& responder) { return admin(request, responder); },
                        limits));
    tell_of_bounds(*shared_.snapshots.current()->snapshot);
    loops_[0].spawn(keeper_->run());
    loops_.start();
  }

  void publish(std::shared_ptr<const Snapshot> snapshot) override {
    const auto& listen = snapshot->settings.listen;
    for (std::size_t i = 0; i < doors_.size() && i < listen.size(); ++i) {
      if (doors_[i].tls == nullptr || !listen[i].tls) continue;
      if (const auto read = doors_[i].tls->reload(*listen[i].tls); !read) {
        log::error("a certificate could not be read again; the old one stays in use",
                   {{"listener", listen[i].text()}, {"why", read.error().text()}});
      }
    }
    upstreams_.reload_tls();
    tell_of_bounds(*snapshot);
    snapshots_.publish(Published::make(std::move(snapshot), upstreams_));
  }

  [[nodiscard]] Result<std::vector<Fd>> sockets() const override {
    std::vector<Fd> out;
    for (const auto& listener : listeners_) DAVY_TRY(listener->copy_sockets(out));
    DAVY_TRY(admin_->copy_sockets(out));
    return out;
  }

  void stop_accepting(bool handed_over) override {
    shared_.relieved.store(handed_over, std::memory_order_relaxed);
    shared_.draining.store(true, std::memory_order_release);
    stopped_at_ = loops_[0].now().steady;
    for (auto& listener : listeners_) listener->stop(handed_over);
    if (handed_over) {
      admin_closes_.store(true, std::memory_order_relaxed);
      admin_->stop(true);
      return;
    }
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      loops_[i].post([state = states_[i].get()] { state->resting.end(); });
    }
  }

  [[nodiscard]] bool drained(Drained what) const override {
    for (const auto& listener : listeners_) {
      if (!listener->stopped()) return false;
    }
    // First this: a request makes its connection count as an exchange before it is not fresh.
    if (shared_.fresh.load(std::memory_order_acquire) != 0 &&
        loops_[0].now().steady < stopped_at_ + kFirstRequestTime) {
      return false;
    }
    const auto& left = what == Drained::clients ? shared_.serving : shared_.active;
    if (left.load(std::memory_order_acquire) != 0) return false;
    // Every answer is with the kernel.
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      if (loops_[i].waiting_output() != 0) return false;
    }
    return true;
  }

  [[nodiscard]] std::vector<Endpoint> endpoints() const override {
    std::vector<Endpoint> out;
    for (const auto& listener : listeners_) out.push_back(listener->endpoint());
    out.push_back(admin_->endpoint());
    return out;
  }

 private:
  void tell_of_bounds(const Snapshot& snapshot) const {
    const std::size_t wanted = limits_of(snapshot.config).connections;
    const std::size_t most = shared_.connections.most;
    if (wanted <= most) return;
    log::warning("limits.connections is more than descriptors allow: raise ulimit -n",
                 {{"wanted", wanted}, {"taken", most}});
  }

  net::Task<void> admin(const net::HttpRequest& request, net::Responder& responder) {
    net::HttpResponse response;
    if (!names_this_machine(request.head.host())) {
      response.status = 421;
      response.body = "the admin listener answers to localhost and to addresses only\n";
      (void)co_await responder.send(response);
      co_return;
    }
    response.status = 404;
    response.body = "no such page; there are:\n";
    for (AdminRoute* route : admin_routes_) {
      response.body += "  " + std::string(route->path()) + "\n";
      if (route->path() != request.head.path()) continue;
      if (route->method() != request.head.method()) continue;
      AdminResponse answer = route->handle({.method = request.head.method(),
                                            .path = request.head.path(),
                                            .query = request.head.query(),
                                            .body = request.body,
                                            .now = responder.loop().now()});
      response.status = answer.status;
      response.content_type = std::move(answer.content_type);
      response.body = std::move(answer.body);
      response.fields = std::move(answer.fields);
      break;
    }
    (void)co_await responder.send(response);
  }

  // In an order in which each outlives what comes after it.
  net::Resolver names_;
  net::UpstreamDirectory upstreams_;
  SnapshotHolder snapshots_;
  Routes routes_;
  std::unique_ptr<net::WorkerPool> workers_;
  Shared shared_;
  std::vector<std::unique_ptr<LoopState>> states_;
  std::vector<Door> doors_;  // as listeners_
  std::optional<UpstreamKeeper> keeper_;
  net::Loops loops_;
  std::vector<AdminRoute*> admin_routes_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<net::Listener> admin_;
  std::atomic<bool> admin_closes_{false};
  SteadyTime stopped_at_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::bind(std::shared_ptr<const Snapshot> snapshot,
                                               const Services& services,
                                               net::InheritedSockets& inherited,
                                               std::size_t loops) {
  const Settings& settings = snapshot->settings;
  auto gateway = std::make_unique<RunningGateway>(snapshot, services,
                                                  loops == 0 ? net::usable_cores() : loops);
  DAVY_TRY(gateway->listen(settings, inherited));
  return std::unique_ptr<Gateway>(std::move(gateway));
}

Result<std::unique_ptr<Gateway>> Gateway::start(std::shared_ptr<const Snapshot> snapshot,
                                                const Services& services, std::size_t loops) {
  net::InheritedSockets none;
  DAVY_ASSIGN(auto gateway, bind(std::move(snapshot), services, none, loops));
  gateway->serve();
  return gateway;
}

}  // namespace davy::gateway
