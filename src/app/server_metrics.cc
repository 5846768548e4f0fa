#include "app/server_metrics.h"

#include <array>
#include <string_view>

namespace davy::app {
namespace {

const MetricFamily kBuild{"davy_build_info",
                          "Always 1; the label says which version runs.",
                          MetricKind::gauge,
                          {"version"},
                          "davy.build"};
const MetricFamily kWritten{
    "davy_events_total", "Events that were written.", MetricKind::counter, {}, "davy.events"};
const MetricFamily kLost{"davy_events_lost_total",
                         "Events that could not be kept: the queue or the disk was full.",
                         MetricKind::counter,
                         {},
                         "davy.events_lost"};
const MetricFamily kReload{"davy_config_last_reload_successful",
                           "1 if the configuration that was read last is in force, 0 if the one "
                           "before stayed.",
                           MetricKind::gauge,
                           {},
                           "davy.config.last_reload_successful"};
const MetricFamily kReloadTime{"davy_config_last_reload_success_timestamp_seconds",
                               "When a configuration came into force last, in seconds since 1970.",
                               MetricKind::gauge,
                               {},
                               "davy.config.last_reload_success_timestamp"};

}  // namespace

ServerMetrics::ServerMetrics(Metrics& metrics, const EventSink& events)
    : metrics_(metrics),
      events_(events),
      written_(metrics.series(kWritten, {})),
      lost_(metrics.series(kLost, {})),
      reload_(metrics.series(kReload, {})),
      reload_time_(metrics.series(kReloadTime, {})) {
  const std::array<std::string_view, 1> version{DAVY_VERSION};
  metrics.set(metrics.series(kBuild, version), 1);
}

void ServerMetrics::configuration_read(bool taken, WallTime now) noexcept {
  metrics_.set(reload_, taken ? 1 : 0);
  if (taken) metrics_.set(reload_time_, unix_seconds(now));
}

void ServerMetrics::refresh() noexcept {
  const std::lock_guard lock(mutex_);
  const EventSinkStats now = events_.stats();
  metrics_.add(written_, static_cast<double>(now.appended - seen_.appended));
  metrics_.add(lost_, static_cast<double>(now.lost - seen_.lost));
  seen_ = now;
}

}  // namespace davy::app
