// For tests: targets by their URL, and what they need.
#pragma once

#include <atomic>
#include <future>
#include <string>
#include <utility>

#include "mechanisms/net/upstream_pool.h"
#include "mechanisms/telemetry/metrics_registry.h"

namespace davy::net::testing {

// Stands still until told; any thread may ask it.
class HandClock final : public Clock {
 public:
  [[nodiscard]] Now now() const noexcept override {
    const std::chrono::nanoseconds passed(passed_.load());
    return {SteadyTime{std::chrono::hours(24)} + passed, WallTime{std::chrono::hours(24)}};
  }
  void advance(std::chrono::nanoseconds by) { passed_ += by.count(); }

 private:
  std::atomic<std::int64_t> passed_{0};
};

struct Targets {
  explicit Targets(Resolver::Lookup lookup = &Resolver::system_lookup, ProxySettings settings = {},
                   const Clock& clock = system_clock())
      : names(clock, std::move(lookup)), proxies(std::move(settings)) {}

  [[nodiscard]] UpstreamTarget& at(const std::string& url) {
    Model model;
    model.name = "chat";
    Upstream& upstream = model.upstreams.emplace_back();
    upstream.url = *parse_upstream_url(url);
    return directory.target(model, upstream);
  }

  telemetry::MetricsRegistry metrics;
  Resolver names;
  ProxySettings proxies;
  UpstreamDirectory directory{names, metrics, proxies};
};

// Runs a task on a loop and gives its result.
template <class T, class Make>
T on_loop(Loop& loop, Make make) {
  std::promise<T> promise;
  auto task = [](std::promise<T>& out, Make body) -> Task<void> { out.set_value(co_await body()); };
  loop.spawn(task(promise, std::move(make)));
  return promise.get_future().get();
}

}  // namespace davy::net::testing
