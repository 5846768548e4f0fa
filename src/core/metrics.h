// Metrics: counters, gauges and distributions with labels, by their Prometheus names.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davy {

enum class MetricKind : std::uint8_t { counter, gauge, distribution };

struct MetricFamily {
  std::string name;  // Prometheus form with unit: "model_server_latency_seconds"
  std::string help;
  MetricKind kind = MetricKind::counter;
  std::vector<std::string> labels;
  // By which monitors know it, without unit: "model_server.latency". Empty: they do not.
  std::string dotted = {};
};

// One time series. Cheap to copy; make it once and keep it.
struct MetricSeries {
  std::uint32_t index = 0;
};

// Thread-safe. `series` takes a lock; the three that write do not.
class Metrics {
 public:
  virtual ~Metrics() = default;

  // The same family and label values give the same series. A family is registered by its
  // first use; a later one with other labels or kind is a fault of ours (asserted). Past
  // 10,000 series a family's further label values share one series named "other".
  [[nodiscard]] virtual MetricSeries series(const MetricFamily& family,
                                            std::span<const std::string_view> label_values) = 0;
  virtual void add(MetricSeries series, double by) noexcept = 0;         // counter, gauge
  virtual void set(MetricSeries series, double value) noexcept = 0;      // gauge
  virtual void observe(MetricSeries series, double value) noexcept = 0;  // distribution

  // Prometheus text format 0.0.4.
  [[nodiscard]] virtual std::string prometheus_text() const = 0;
};

}  // namespace davy
