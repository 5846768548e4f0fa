#include "mechanisms/net/upstream_target.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/ids.h"
#include "base/log.h"

namespace davy::net {
namespace {

MetricSeries series(Metrics& metrics, const char* name, const char* help, MetricKind kind,
                    const std::string& model, const std::string& label) {
  const MetricFamily family{name, help, kind, {"model", "upstream"}};
  return metrics.series(family, std::vector<std::string_view>{model, label});
}

MetricSeries with_word(Metrics& metrics, const char* name, const char* help, MetricKind kind,
                       const char* label_name, const std::string& model, const std::string& label,
                       std::string_view word) {
  const MetricFamily family{name, help, kind, {"model", "upstream", label_name}};
  return metrics.series(family, std::vector<std::string_view>{model, label, word});
}

// Chance for the breaker's pauses; four bytes, only when something has failed.
std::uint32_t chance() noexcept {
  std::uint32_t out = 0;
  random_bytes(std::as_writable_bytes(std::span(&out, 1)));
  return out;
}

std::int64_t seconds(Now now) { return static_cast<std::int64_t>(unix_seconds(now.wall)); }

// Empty where there is none, or it cannot be read.
std::string text_of(const std::string& file) {
  constexpr std::size_t kMax = 1024 * 1024;  // as mechanisms/net/tls.cc
  if (file.empty()) return {};
  auto text = read_file(file, kMax);
  return text ? std::move(text).value() : std::string();
}

const char* const kFailOvers = "davy_upstream_failovers_total";
const char* const kFailOversHelp =
    "Requests that went on to another upstream, by the one they left and why.";
const char* const kConnections = "davy_upstream_connections";
const char* const kConnectionsHelp = "Connections to upstreams that are in use or wait for use.";

}  // namespace

UpstreamTarget::UpstreamTarget(std::string model, const Upstream& upstream, std::size_t slot,
                               std::string label, UpstreamTlsFiles* tls,
                               const ProxySettings& proxies, Resolver& names, Metrics& metrics)
    : model_(std::move(model)),
      url_(upstream.url),
      tls_(tls),
      tls_name_(upstream.tls.server_name.empty() ? url_.host : upstream.tls.server_name),
      slot_(slot),
      label_(std::move(label)),
      host_field_(url_.host_field()),
      proxy_(proxies.proxy_for(url_)),
      target_prefix_(proxy_ != nullptr && !url_.tls ? "http://" + host_field_ : ""),
      connects_to_(!url_.socket.empty() ? ""
                   : proxy_ != nullptr  ? proxy_->host
                                        : url_.host),
      names_(connects_to_.empty() ? nullptr : &names.changes(connects_to_)),
      metrics_(metrics),
      state_(series(metrics, "davy_upstream_state",
                    "0: takes requests, 1: one request at a time tries it, 2: left alone, since "
                    "it keeps failing or its health check does.",
                    MetricKind::gauge, model_, label_)),
      connect_failures_(series(metrics, "davy_upstream_connect_failures_total",
                               "Connections to upstreams that could not be made.",
                               MetricKind::counter, model_, label_)),
      retries_(
          series(metrics, "davy_upstream_retries_total",
                 "Requests sent again, since a kept connection ended before it had taken them.",
                 MetricKind::counter, model_, label_)),
      fail_overs_{with_word(metrics, kFailOvers, kFailOversHelp, MetricKind::counter, "reason",
                            model_, label_, "connect"),
                  with_word(metrics, kFailOvers, kFailOversHelp, MetricKind::counter, "reason",
                            model_, label_, "open"),
                  with_word(metrics, kFailOvers, kFailOversHelp, MetricKind::counter, "reason",
                            model_, label_, "status")},
      idle_(with_word(metrics, kConnections, kConnectionsHelp, MetricKind::gauge, "state", model_,
                      label_, "idle")),
      active_(with_word(metrics, kConnections, kConnectionsHelp, MetricKind::gauge, "state", model_,
                        label_, "active")) {
  publish_state();
}

void UpstreamTarget::publish_state() noexcept {
  using State = CircuitBreaker::State;
  const State state = breaker_.state();
  metrics_.set(state_, !well() || state == State::open ? 2 : state == State::half_open ? 1 : 0);
}

void UpstreamTarget::failed(Permit permit, CircuitBreaker::Failure failure, std::string_view why,
                            Now now) {
  if (failure == CircuitBreaker::Failure::connect) metrics_.add(connect_failures_, 1);
  if (!breaker_.failed(permit, failure, now.steady, chance())) return;
  publish_state();
  static log::Sampled sampled(10, 10);
  sampled.write(log::Level::warning, "an upstream keeps failing and is left alone for a while",
                {{"model", model_},
                 {"upstream", label_},
                 {"failures", CircuitBreaker::kFailures},
                 {"last", why}},
                seconds(now));
}

void UpstreamTarget::closed(Now now) noexcept {
  publish_state();
  static log::Sampled sampled(10, 10);
  sampled.write(log::Level::info, "an upstream works again",
                {{"model", model_}, {"upstream", label_}}, seconds(now));
}

void UpstreamTarget::set_well(bool now_well, std::string_view why) {
  if (unwell_.exchange(!now_well, std::memory_order_relaxed) == !now_well) return;
  publish_state();
  if (now_well) {
    log::info("an upstream passes its health check again",
              {{"model", model_}, {"upstream", label_}});
  } else {
    log::warning("an upstream fails its health check and is left alone",
                 {{"model", model_}, {"upstream", label_}, {"why", why}});
  }
}

void UpstreamTarget::count_fail_over(Reason reason) noexcept {
  metrics_.add(fail_overs_[static_cast<std::size_t>(reason)], 1);
}

void UpstreamTarget::count_connections(double idle, double active) noexcept {
  if (idle != 0) metrics_.add(idle_, idle);
  if (active != 0) metrics_.add(active_, active);
}

void UpstreamTlsFiles::reload() {
  // Not of the key: a new one comes with a new certificate, and one that does not fit yet
  // fails and is tried again.
  const std::uint32_t fingerprint = crc32(text_of(files_.ca) + text_of(files_.certificate));
  {
    const std::lock_guard lock(mutex_);
    if (client_ != nullptr && !failed_ && fingerprint == fingerprint_) return;
  }
  auto loaded = TlsClient::load(files_);
  const std::lock_guard lock(mutex_);
  if (loaded) {
    client_ = std::make_shared<const TlsClient>(std::move(loaded).value());
    fingerprint_ = fingerprint;
    failed_ = false;
  } else if (!std::exchange(failed_, true)) {
    log::warning("TLS files of an upstream cannot be used; what was read before stays in use",
                 {{"why", loaded.error().text()}});
  }
}

std::shared_ptr<const TlsClient> UpstreamTlsFiles::client() const {
  const std::lock_guard lock(mutex_);
  return client_;
}

UpstreamTlsFiles& UpstreamDirectory::tls_files(const UpstreamTls& tls) {
  auto& files = tls_[fmt::format("{}\n{}\n{}\n{}", tls.ca, tls.certificate, tls.key, tls.verify)];
  if (files == nullptr) {
    files = std::make_unique<UpstreamTlsFiles>(tls);
    files->reload();
  }
  return *files;
}

void UpstreamDirectory::reload_tls() {
  std::vector<UpstreamTlsFiles*> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [names, files] : tls_) {
      if (files->has_files()) all.push_back(files.get());
    }
  }
  for (UpstreamTlsFiles* files : all) files->reload();
}

UpstreamTarget& UpstreamDirectory::target(const Model& model, const Upstream& upstream) {
  const CredentialRef& credential = upstream.credential;
  const AzureRoute azure = upstream.azure.value_or(AzureRoute{});
  const UpstreamTls& tls = upstream.tls;
  const std::string authority = upstream.url.authority();
  // Line ends stand in none of the parts.
  const std::string id = fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", model.name, authority, upstream.url.tls,
      upstream.url.base_path, upstream.model, static_cast<int>(credential.kind), credential.name,
      azure.deployment, tls.ca, tls.certificate, tls.key, tls.server_name, tls.verify);
  const std::lock_guard lock(mutex_);
  if (const auto found = targets_.find(id); found != targets_.end()) return *found->second;
  std::size_t like = 1;
  for (const auto& [other_id, other] : targets_) {
    if (other->model() == model.name && other->url().authority() == authority) ++like;
  }
  const std::string label = like == 1 ? authority : fmt::format("{}#{}", authority, like);
  UpstreamTlsFiles* const files = upstream.url.tls ? &tls_files(tls) : nullptr;
  auto made = std::make_unique<UpstreamTarget>(model.name, upstream, targets_.size(), label, files,
                                               proxies_, names_, metrics_);
  return *targets_.emplace(id, std::move(made)).first->second;
}

}  // namespace davy::net
