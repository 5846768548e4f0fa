#include "app/server.h"

#include <sys/resource.h>

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
#include "mechanisms/net/proxy_settings.h"
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

constexpr std::chrono::seconds kDrainTime{10};
// A command holds the lock for one order only.
constexpr std::chrono::milliseconds kLockPatience{2000};

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
  RunningServer(std::string config_file, const Clock& clock)
      : config_file_(std::move(config_file)), clock_(clock), reloader_(config_file_, builder_) {}

  ~RunningServer() override {
    // Orders first, so that none comes while the rest goes.
    socket_.reset();
    gateway_.reset();
  }

  Result<void> start(Diagnostics& diagnostics) {
    const std::uint64_t descriptors = raise_descriptor_limit();
    forbid_core_files();
    DAVY_ASSIGN(proxies_, net::ProxySettings::read(access::Credentials::process_environment()));
    const auto loaded = builder_.load(config_file_, diagnostics);
    if (!loaded) return invalid_input("the configuration has mistakes", {config_file_, 0, 0});
    DAVY_TRY(open_home(*loaded));
    DAVY_TRY(open_keys(*loaded));
    const auto snapshot = reloader_.start(diagnostics);
    if (!snapshot) return invalid_input("the configuration has mistakes", {config_file_, 0, 0});
    DAVY_ASSIGN(auto redactor, text::CredentialRedactor::create());
    redactor_.emplace(std::move(redactor));

    routes_.push_back(telemetry::health_route());
    // Ready as soon as it listens: there is nothing that it waits for.
    routes_.push_back(telemetry::ready_route([] { return std::optional<std::string>(); }));
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
    DAVY_ASSIGN(gateway_, gateway::Gateway::start(snapshot, services));

    store::OrderRouter::Handlers handlers;
    handlers.push_back(std::make_unique<access::KeyOrders>(*ring_, control_));
    handlers.push_back(std::make_unique<evidence::EvidenceOrders>(events_.get()));
    router_.emplace(*state_, clock_, std::move(handlers),
                    [this](std::uint64_t) { reload(Cause::order, {}); });
    DAVY_ASSIGN(socket_, store::OrderSocket::start(*home_, *lock_, *router_, clock_));
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

  void drain() override {
    log::info("stopping: no new connections");
    if (!gateway_->drain(kDrainTime)) log::warning("some exchanges did not finish in time");
  }

 private:
  Result<void> open_home(const LoadedConfig& loaded) {
    DAVY_ASSIGN(auto home,
                store::Home::open_or_create(resolve(loaded.folder, loaded.settings.home)));
    home_.emplace(std::move(home));
    DAVY_ASSIGN(auto lock, store::HomeLock::take(*home_, kLockPatience));
    lock_.emplace(std::move(lock));
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
  const std::string config_file_;
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
  std::optional<store::OrderRouter> router_;
  std::unique_ptr<store::OrderSocket> socket_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const std::string& config_file, const Clock& clock,
                                              Diagnostics& diagnostics) {
  auto server = std::make_unique<RunningServer>(config_file, clock);
  DAVY_TRY(server->start(diagnostics));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace davy::app
