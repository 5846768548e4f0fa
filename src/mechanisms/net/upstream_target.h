// Upstreams as they are at run time: how each has been doing, and what a connection to it
// needs. They outlive the snapshots that name them, so a reload forgets nothing.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "core/model.h"
#include "mechanisms/net/circuit_breaker.h"
#include "mechanisms/net/proxy_settings.h"
#include "mechanisms/net/resolver.h"
#include "mechanisms/net/tls.h"

namespace davy::net {

// What TLS connections to upstreams are made from, read from one set of files. Thread-safe.
class UpstreamTlsFiles {
 public:
  explicit UpstreamTlsFiles(UpstreamTls files) : files_(std::move(files)) {}

  // Reads them where they have changed, so that connections made from here on use what they
  // hold now. What cannot be used leaves what was read before, and the log says so once.
  // Waits for the disk.
  void reload();
  [[nodiscard]] bool has_files() const noexcept {
    return !files_.ca.empty() || !files_.certificate.empty();
  }
  // Null: they could not be read yet.
  [[nodiscard]] std::shared_ptr<const TlsClient> client() const;

 private:
  const UpstreamTls files_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsClient> client_;
  std::uint32_t fingerprint_ = 0;  // of what client_ was made from
  bool failed_ = false;            // the last time
};

// One upstream of one model. Thread-safe. What a request costs it while all is well is a
// load or two.
class UpstreamTarget {
 public:
  using Permit = CircuitBreaker::Permit;

  // Made by the directory.
  UpstreamTarget(std::string model, const Upstream& upstream, std::size_t slot, std::string label,
                 UpstreamTlsFiles* tls, const ProxySettings& proxies, Resolver& names,
                 Metrics& metrics);
  UpstreamTarget(const UpstreamTarget&) = delete;
  UpstreamTarget& operator=(const UpstreamTarget&) = delete;

  [[nodiscard]] const UpstreamUrl& url() const noexcept { return url_; }
  // Null: plain TCP.
  [[nodiscard]] const UpstreamTlsFiles* tls() const noexcept { return tls_; }
  // That it must prove to be.
  [[nodiscard]] const std::string& tls_name() const noexcept { return tls_name_; }
  [[nodiscard]] const std::string& model() const noexcept { return model_; }
  [[nodiscard]] const std::string& label() const noexcept { return label_; }
  // The Host field.
  [[nodiscard]] const std::string& host_field() const noexcept { return host_field_; }
  // Small and unlike all others of its directory.
  [[nodiscard]] std::size_t slot() const noexcept { return slot_; }
  // Null: none. Through it, http:// goes in absolute form and https:// by CONNECT.
  [[nodiscard]] const Proxy* proxy() const noexcept { return proxy_; }
  // What stands before the target of a request: "" or "http://HOST:PORT" for a proxy.
  [[nodiscard]] const std::string& target_prefix() const noexcept { return target_prefix_; }
  // The name that connections go to: the upstream's, or its proxy's. "" for a socket.
  [[nodiscard]] const std::string& connects_to() const noexcept { return connects_to_; }
  // A connection that was made when this was another number is not to be used again.
  [[nodiscard]] std::uint32_t generation() const noexcept {
    return names_ == nullptr ? 0 : names_->load(std::memory_order_relaxed);
  }

  // Whether a request may go there now. What came of it is to be reported, once.
  [[nodiscard]] Permit admit(SteadyTime now) noexcept {
    if (unwell_.load(std::memory_order_relaxed)) return Permit::denied;
    return breaker_.admit(now);
  }
  // Nothing has failed lately, so a success tells nothing new.
  [[nodiscard]] bool calm() const noexcept { return breaker_.calm(); }
  void succeeded(Permit permit, Now now) noexcept {
    if (breaker_.succeeded(permit, now.steady)) closed(now);
  }
  void failed(Permit permit, CircuitBreaker::Failure failure, std::string_view why, Now now);
  void given_up(Permit permit) noexcept { breaker_.given_up(permit); }
  // A new connection is there; not a report.
  void connected(Permit permit, Now now) noexcept {
    if (breaker_.connected(permit, now.steady)) closed(now);
  }
  // How long until a request may go there; 0 = now, or nobody can tell.
  [[nodiscard]] std::chrono::nanoseconds wait(SteadyTime now) const noexcept {
    return breaker_.wait(now);
  }

  // From health checks.
  void set_well(bool well, std::string_view why);
  [[nodiscard]] bool well() const noexcept { return !unwell_.load(std::memory_order_relaxed); }

  // For metrics.
  void count_retry() noexcept { metrics_.add(retries_, 1); }
  enum class Reason : std::uint8_t { connect, open, status };
  void count_fail_over(Reason reason) noexcept;
  void count_connections(double idle, double active) noexcept;
  // Sets what changes with time alone, such as whether the breaker is half open.
  void publish_state() noexcept;

 private:
  void closed(Now now) noexcept;

  const std::string model_;
  const UpstreamUrl url_;
  const UpstreamTlsFiles* const tls_;
  const std::string tls_name_;
  const std::size_t slot_;
  const std::string label_;
  const std::string host_field_;
  const Proxy* const proxy_;
  const std::string target_prefix_;
  const std::string connects_to_;
  const std::atomic<std::uint32_t>* const names_;

  CircuitBreaker breaker_;
  std::atomic<bool> unwell_{false};

  Metrics& metrics_;
  MetricSeries state_;
  MetricSeries connect_failures_;
  MetricSeries retries_;
  std::array<MetricSeries, 3> fail_overs_;  // by Reason
  MetricSeries idle_;
  MetricSeries active_;
};

// All targets of the process.
class UpstreamDirectory {
 public:
  // All must outlive it.
  UpstreamDirectory(Resolver& names, Metrics& metrics, const ProxySettings& proxies)
      : names_(names), metrics_(metrics), proxies_(proxies) {}

  // The one for an upstream of that model. Upstreams that differ in nothing but their
  // weight are the same, also across reloads. One that no configuration names any more stays: some
  // hundred bytes. Thread-safe.
  [[nodiscard]] UpstreamTarget& target(const Model& model, const Upstream& upstream);
  // UpstreamTlsFiles::reload for all that are files of somebody's; the system's are read once.
  void reload_tls();

 private:
  [[nodiscard]] UpstreamTlsFiles& tls_files(const UpstreamTls& tls);

  Resolver& names_;
  Metrics& metrics_;
  const ProxySettings& proxies_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<UpstreamTlsFiles>> tls_;    // by their names
  std::map<std::string, std::unique_ptr<UpstreamTarget>> targets_;  // by what makes them
};

}  // namespace davy::net
