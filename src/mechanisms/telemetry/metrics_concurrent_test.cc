#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "mechanisms/telemetry/metrics_registry.h"

namespace davy::telemetry {
namespace {

constexpr int kThreads = 6;
constexpr int kEach = 2'000;

template <class Work>
void on_threads(int count, Work work) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back([&work, t] { work(t); });
  for (auto& thread : threads) thread.join();
}

TEST(MetricsConcurrent, NothingIsLostWhileOthersLook) {
  MetricsRegistry metrics;
  const auto counter = metrics.series({"a_total", "Help.", MetricKind::counter, {}}, {});
  const auto open = metrics.series({"open", "Help.", MetricKind::gauge, {}}, {});
  const auto seconds = metrics.series({"s_seconds", "Help.", MetricKind::distribution, {}}, {});
  std::atomic<bool> done = false;
  std::thread reader([&] {
    double before = 0;
    while (!done) {
      (void)metrics.prometheus_text();
      const double value = metrics.value(counter);
      EXPECT_GE(value, before);
      before = value;
    }
  });
  on_threads(kThreads, [&](int) {
    for (int i = 0; i < kEach; ++i) {
      metrics.add(counter, 1);
      metrics.add(open, 1);
      metrics.observe(seconds, (i % 100 - 50) * 0.5);
      metrics.add(open, -1);
    }
  });
  done = true;
  reader.join();
  EXPECT_EQ(metrics.value(counter), kThreads * kEach);
  EXPECT_EQ(metrics.value(open), 0);
  EXPECT_EQ(metrics.distribution(seconds).count(), static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_EQ(metrics.distribution(seconds).sum(), kThreads * kEach * -0.25);
}

TEST(MetricsConcurrent, SeriesAreMadeOnceWhoeverAsksFirst) {
  MetricsRegistry metrics;
  on_threads(kThreads, [&](int) {
    for (int i = 0; i < 300; ++i) {
      const std::string value = std::to_string(i);
      const std::array<std::string_view, 1> labels{value};
      metrics.add(metrics.series({"a_total", "Help.", MetricKind::counter, {"n"}}, labels), 1);
    }
  });
  for (int i = 0; i < 300; ++i) {
    const std::string value = std::to_string(i);
    const std::array<std::string_view, 1> labels{value};
    EXPECT_EQ(
        metrics.value(metrics.series({"a_total", "Help.", MetricKind::counter, {"n"}}, labels)),
        kThreads);
  }
}

TEST(MetricsConcurrent, MoreThreadsThanSlotsShareThem) {
  MetricsRegistry metrics;
  const auto counter = metrics.series({"a_total", "Help.", MetricKind::counter, {}}, {});
  for (int round = 0; round < 12; ++round) {
    on_threads(8, [&](int) {
      for (int i = 0; i < 100; ++i) metrics.add(counter, 1);
    });
  }
  EXPECT_EQ(metrics.value(counter), 12 * 8 * 100);
}

}  // namespace
}  // namespace davy::telemetry
