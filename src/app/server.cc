#include "app/server.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "app/builtins.h"
#include "app/server_metrics.h"
#include "app/snapshot_builder.h"
#include "base/files.h"
#include "base/log.h"
#include "core/live_control.h"
#include "mechanisms/net/listening_sockets.h"
#include "mechanisms/net/proxy_settings.h"
#include "mechanisms/store/hand_over.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/jsonl_events.h"
#include "mechanisms/store/order_router.h"
#include "mechanisms/store/order_socket.h"
#include "mechanisms/store/sqlite_state_store.h"
#include "mechanisms/telemetry/admin_routes.h"
#include "mechanisms/telemetry/metrics_registry.h"
#include "mechanisms/text/credential_redactor.h"
#include "pillars/access/credentials/credentials.h"
#include "pillars/access/keys/access_config.h"
#include "pillars/access/keys/key_orders.h"
#include "pillars/monitoring/evidence/evidence_orders.h"
#include "surfaces/gateway/gateway.h"

namespace davy::app {
namespace {

// A command holds the lock for one order only.
constexpr std::chrono::milliseconds kLockPatience{2000};
// How often a server that was relieved looks for keys that were revoked meanwhile.
constexpr std::chrono::milliseconds kFollowEvery{500};

// Ten thousand connections need as many descriptors; the soft limit is often 1,024.
// How many there may be then.
std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  rlimit raised{limit.rlim_max, limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

// Keys and credentials are in memory: a core file would write them to disk.
void forbid_core_files() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) log::warning("core files could not be switched off");
}

class RunningServer final : public Server {
 public:
  RunningServer(ServerStart start, const Clock& clock)
      : start_(std::move(start)), clock_(clock), reloader_(start_.config_file, builder_) {}

  ~RunningServer() override {
    // Orders first, so that none comes while the rest goes.
    socket_.reset();
    gateway_.reset();
  }

  Result<void> start(Diagnostics& diagnostics) {
    const std::uint64_t descriptors = raise_descriptor_limit();
    forbid_core_files();
    DAVY_ASSIGN(proxies_, net::ProxySettings::read(access::Credentials::process_environment()));
    const std::string& config_file = start_.config_file;
    const auto loaded = builder_.load(config_file, diagnostics);
    if (!loaded) return invalid_input("the configuration has mistakes", {config_file, 0, 0});
    net::InheritedSockets inherited;
    for (Fd& socket : start_.sockets) DAVY_TRY(inherited.add(std::move(socket)));
    std::optional<store::HandedOver> handed;
    if (start_.take_over) {
      DAVY_ASSIGN(handed, ask(*loaded));
      for (Fd& socket : handed->sockets) DAVY_TRY(inherited.add(std::move(socket)));
    }
    DAVY_TRY(open_home(*loaded, handed));
    DAVY_TRY(open_keys(*loaded));
    const auto snapshot = reloader_.start(diagnostics);
    if (!snapshot) return invalid_input("the configuration has mistakes", {config_file, 0, 0});
    DAVY_ASSIGN(auto redactor, text::CredentialRedactor::create());
    redactor_.emplace(std::move(redactor));

    routes_.push_back(telemetry::health_route());
    // Ready as soon as it listens: there is nothing that it waits for. One that was relieved
    // leaves the answer to the other, which is ready.
    routes_.push_back(telemetry::ready_route([this]() -> std::optional<std::string> {
      if (!stopping_) return std::nullopt;
      return "davy is stopping; exchanges under way may end, new ones are not taken";
    }));
    server_metrics_.emplace(metrics_, *events_);
    routes_.push_back(telemetry::metrics_route(metrics_, [this] { server_metrics_->refresh(); }));
    for (const auto& route : routes_) route_pointers_.push_back(route.get());
    const gateway::Services services{.clock = clock_,
                                     .control = control_,
                                     .events = *events_,
                                     .metrics = metrics_,
                                     .redactor = *redactor_,
                                     .dialects = dialects(),
                                     .admin_routes = route_pointers_,
                                     .proxies = proxies_,
                                     .descriptors = descriptors};
    DAVY_ASSIGN(gateway_, gateway::Gateway::bind(snapshot, services, inherited));
    for (const std::string& address : inherited.left()) {
      log::warning("a socket that was handed over is not used, since `listen` does not name it",
                   {{"address", address}});
    }

    store::OrderRouter::Handlers handlers;
    auto key_orders = std::make_unique<access::KeyOrders>(*ring_, control_);
    key_orders_ = key_orders.get();
    handlers.push_back(std::move(key_orders));
    handlers.push_back(std::make_unique<evidence::EvidenceOrders>(events_.get()));
    router_.emplace(*state_, clock_, std::move(handlers),
                    [this](std::uint64_t) { reload(Cause::order, {}); });
    relieved_fd_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!relieved_fd_.valid()) return unavailable("no descriptor is left", {}, "raise ulimit -n");
    DAVY_TRY(serve(handed));
    server_metrics_->configuration_read(true, clock_.now().wall);
    announce(*snapshot);
    return {};
  }

  void reload(Cause cause, std::span<const std::string> changed) override {
    const std::lock_guard lock(reload_mutex_);  // so that they are published in their order
    auto snapshot = reloader_.reload(cause, changed);
    server_metrics_->configuration_read(snapshot != nullptr, clock_.now().wall);
    if (snapshot) gateway_->publish(std::move(snapshot));
  }

  [[nodiscard]] FileMarks files() const override { return reloader_.files(); }
  [[nodiscard]] bool watches() const override { return reloader_.watches(); }

  [[nodiscard]] int relieved_fd() const noexcept override { return relieved_fd_.get(); }
  [[nodiscard]] pid_t relieved_by() const noexcept override { return relieved_by_; }

  void stop(Stop why) override {
    const std::lock_guard lock(hand_over_mutex_);
    stop_ = why;
    if (why == Stop::relieved) {
      // The other one has it too. It is that one's alone, so that its own end is enough to
      // let a third one in.
      lock_.reset();
      gateway_->stop_accepting(true);
    } else {
      stopping_ = true;
      gateway_->stop_accepting(false);
    }
  }

  [[nodiscard]] std::chrono::milliseconds patience() const override {
    const DrainTimes times = reloader_.drain();
    return stop_ == Stop::relieved ? times.take_over : times.stop;
  }

  [[nodiscard]] bool drained() override {
    using Drained = gateway::Gateway::Drained;
    if (relieved_by_ != 0) follow();
    return gateway_->drained(stop_ == Stop::relieved ? Drained::clients : Drained::exchanges);
  }

 private:
  Result<store::HandedOver> ask(const LoadedConfig& loaded) {
    DAVY_ASSIGN(auto home, store::Home::open(resolve(loaded.folder, loaded.settings.home)));
    home_.emplace(std::move(home));
    return store::ask_to_take_over(*home_, clock_);
  }

  // The last thing of a start: from here on connections and orders are taken.
  Result<void> serve(std::optional<store::HandedOver>& handed) {
    store::HandOverDesk desk{[this] { return sockets(); }, [this](pid_t by) { relieved(by); }};
    if (!handed) {
      gateway_->serve();
      DAVY_ASSIGN(socket_,
                  store::OrderSocket::start(*home_, *lock_, *router_, clock_, std::move(desk)));
      return {};
    }
    DAVY_ASSIGN(socket_, store::OrderSocket::adopt(*home_, *lock_, *router_, clock_,
                                                   std::move(desk), std::move(handed->orders)));
    DAVY_TRY(store::confirm_take_over(handed->peer.get(), clock_));
    gateway_->serve();
    socket_->begin();
    if (const auto signed_by_us = lock_->sign(); !signed_by_us) {
      log::warning("the lock of the home names another process",
                   {{"why", signed_by_us.error().text()}});
    }
    return {};
  }

  // The two sides of a hand-over that concern us; both called by the thread of the orders.
  Result<std::vector<Fd>> sockets() {
    const std::lock_guard lock(hand_over_mutex_);
    if (stop_) return unavailable("it is stopping", {}, "wait for its end, then start this one");
    // No order is carried out from here on.
    DAVY_ASSIGN(followed_, state_->last_order());
    return gateway_->sockets();
  }
  void relieved(pid_t by) {
    relieved_by_ = by;
    const std::uint64_t one = 1;
    while (::write(relieved_fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
    }
  }

  // Revocations end streams, here too.
  void follow() {
    const SteadyTime now = clock_.now().steady;
    if (now < follow_at_) return;
    follow_at_ = now + kFollowEvery;
    const auto last = key_orders_->follow(*state_, followed_);
    if (last) {
      followed_ = *last;
    } else {
      static log::Sampled sampled(1, 10);
      sampled.write(log::Level::error, "cannot see which keys were revoked",
                    {{"why", last.error().text()}},
                    static_cast<std::int64_t>(unix_seconds(clock_.now().wall)));
    }
  }

  Result<void> open_home(const LoadedConfig& loaded, std::optional<store::HandedOver>& handed) {
    if (handed) {
      DAVY_ASSIGN(auto adopted, store::HomeLock::adopt(*home_, std::move(handed->lock)));
      lock_.emplace(std::move(adopted));
      return open_stores();
    }
    DAVY_ASSIGN(auto home,
                store::Home::open_or_create(resolve(loaded.folder, loaded.settings.home)));
    home_.emplace(std::move(home));
    DAVY_ASSIGN(auto lock, store::HomeLock::take(*home_, kLockPatience));
    lock_.emplace(std::move(lock));
    return open_stores();
  }

  Result<void> open_stores() {
    DAVY_ASSIGN(state_, store::SqliteStateStore::open(*home_, *lock_));
    DAVY_ASSIGN(events_, store::JsonlEventSink::open(*home_, *lock_));
    return {};
  }

  Result<void> open_keys(const LoadedConfig& loaded) {
    static const access::AccessConfig defaults;
    const auto* section = loaded.config.section<access::AccessConfig>("access");
    const auto& access = section != nullptr ? *section : defaults;
    DAVY_ASSIGN(auto pepper,
                access::open_pepper(access.pepper_path(loaded.folder, home_->path()), *state_));
    ring_.emplace(std::move(pepper));
    DAVY_TRY(ring_->reload(*state_));
    builder_.use_keys(*ring_);
    return {};
  }

  void announce(const Snapshot& snapshot) const {
    const auto endpoints = gateway_->endpoints();
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const bool admin = i + 1 == endpoints.size();
      const Endpoint& at = endpoints[i];
      const std::string scheme = at.unix_socket() ? "" : at.tls ? "https://" : "http://";
      log::info(admin ? "admin listener" : "serving",
                {{"url", scheme + at.text() + (admin ? "" : "/v1")}});
    }
    log::info("ready", {{"home", home_->path()},
                        {"models", snapshot.settings.models.size()},
                        {"experiments", snapshot.settings.experiments.size()},
                        {"keys", ring_->size()},
                        {"policy", snapshot.policy_digest.substr(0, 12)}});
  }

  // In an order in which each outlives what comes after it.
  ServerStart start_;
  const Clock& clock_;
  std::optional<store::Home> home_;
  std::optional<store::HomeLock> lock_;
  std::unique_ptr<store::SqliteStateStore> state_;
  std::unique_ptr<store::JsonlEventSink> events_;
  std::optional<access::KeyRing> ring_;
  SnapshotBuilder builder_;
  Reloader reloader_;
  std::mutex reload_mutex_;
  LiveControl control_;
  telemetry::MetricsRegistry metrics_;
  std::optional<ServerMetrics> server_metrics_;
  net::ProxySettings proxies_;
  std::optional<text::CredentialRedactor> redactor_;
  std::vector<std::unique_ptr<AdminRoute>> routes_;
  std::vector<AdminRoute*> route_pointers_;
  std::unique_ptr<gateway::Gateway> gateway_;
  access::KeyOrders* key_orders_ = nullptr;
  std::optional<store::OrderRouter> router_;
  Fd relieved_fd_;
  std::atomic<pid_t> relieved_by_{0};
  std::atomic<bool> stopping_{false};
  std::mutex hand_over_mutex_;  // guards the three below
  std::optional<Stop> stop_;    // the main thread's to write
  std::uint64_t followed_ = 0;  // the last order of which we know what it did
  SteadyTime follow_at_;        // the main thread's
  std::unique_ptr<store::OrderSocket> socket_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerStart start, const Clock& clock,
                                              Diagnostics& diagnostics) {
  auto server = std::make_unique<RunningServer>(std::move(start), clock);
  DAVY_TRY(server->start(diagnostics));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace davy::app
