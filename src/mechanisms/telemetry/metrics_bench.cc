// What one measurement costs, alone and with as many threads as cores.
#include <benchmark/benchmark.h>

#include "mechanisms/telemetry/metrics_registry.h"

namespace davy::telemetry {
namespace {

MetricsRegistry& registry() {
  static MetricsRegistry metrics;
  return metrics;
}

void add_to_a_counter(benchmark::State& state) {
  const auto counter = registry().series({"a_total", "Help.", MetricKind::counter, {}}, {});
  for (auto _ : state) registry().add(counter, 1);
}
BENCHMARK(add_to_a_counter)->Threads(1)->Threads(2);

void observe_a_latency(benchmark::State& state) {
  const auto seconds = registry().series({"a_seconds", "Help.", MetricKind::distribution, {}}, {});
  double value = 0.0001;
  for (auto _ : state) {
    registry().observe(seconds, value);
    value = value > 1 ? 0.0001 : value * 1.001;
  }
}
BENCHMARK(observe_a_latency)->Threads(1)->Threads(2);

void render_a_thousand_series(benchmark::State& state) {
  MetricsRegistry metrics;
  for (int i = 0; i < 1000; ++i) {
    const std::string value = std::to_string(i);
    const std::array<std::string_view, 1> labels{value};
    metrics.observe(metrics.series({"b_seconds", "Help.", MetricKind::distribution, {"n"}}, labels),
                    i * 0.001);
  }
  for (auto _ : state) benchmark::DoNotOptimize(metrics.prometheus_text());
}
BENCHMARK(render_a_thousand_series)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace davy::telemetry
