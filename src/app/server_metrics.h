// Numbers of the server itself, beside those of exchanges: which version runs, whether its
// events are kept, whether its configuration is the one in the file.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.h"
#include "core/event_sink.h"
#include "core/metrics.h"

namespace davy::app {

// Thread-safe. Both must outlive it.
class ServerMetrics {
 public:
  ServerMetrics(Metrics& metrics, const EventSink& events);

  // The configuration was read, at the start or again; `taken`: it is in force now.
  void configuration_read(bool taken, WallTime now) noexcept;
  // Takes over what the events count; before each look at the metrics.
  void refresh() noexcept;

 private:
  Metrics& metrics_;
  const EventSink& events_;
  MetricSeries written_;
  MetricSeries lost_;
  MetricSeries reload_;
  MetricSeries reload_time_;
  std::mutex mutex_;  // guards the one below
  EventSinkStats seen_;
};

}  // namespace davy::app
