#include "app/server_metrics.h"

#include <gtest/gtest.h>

#include <string>

#include "mechanisms/telemetry/metrics_registry.h"

namespace davy::app {
namespace {

class CountingSink final : public EventSink {
 public:
  Result<void> begin(const Event&) override { return {}; }
  Result<void> append(const Event&) override { return {}; }
  Result<void> flush() override { return {}; }
  EventSinkStats stats() const noexcept override { return counted; }
  EventSinkStats counted;
};

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ServerMetrics, LostEventsAreTold) {
  telemetry::MetricsRegistry registry;
  CountingSink sink;
  ServerMetrics metrics(registry, sink);
  EXPECT_TRUE(holds(registry.prometheus_text(), "\ndavy_events_lost_total 0\n"));
  sink.counted.appended = 10;
  sink.counted.lost = 2;
  metrics.refresh();
  metrics.refresh();
  EXPECT_TRUE(holds(registry.prometheus_text(), "\ndavy_events_total 10\n"));
  EXPECT_TRUE(holds(registry.prometheus_text(), "\ndavy_events_lost_total 2\n")) << "counted once";
  sink.counted.lost = 5;
  metrics.refresh();
  EXPECT_TRUE(holds(registry.prometheus_text(), "\ndavy_events_lost_total 5\n"));
}

TEST(ServerMetrics, AConfigurationThatWasNotTakenIsTold) {
  telemetry::MetricsRegistry registry;
  const CountingSink sink;
  ServerMetrics metrics(registry, sink);
  metrics.configuration_read(true, WallTime(std::chrono::seconds(1'800'000'000)));
  EXPECT_TRUE(holds(registry.prometheus_text(), "\ndavy_config_last_reload_successful 1\n"));
  metrics.configuration_read(false, WallTime(std::chrono::seconds(1'900'000'000)));
  EXPECT_TRUE(holds(registry.prometheus_text(), "\ndavy_config_last_reload_successful 0\n"));
  EXPECT_TRUE(holds(registry.prometheus_text(),
                    "\ndavy_config_last_reload_success_timestamp_seconds 1800000000\n"));
  EXPECT_TRUE(
      holds(registry.prometheus_text(), "\ndavy_build_info{version=\"" DAVY_VERSION "\"} 1\n"));
}

}  // namespace
}  // namespace davy::app
