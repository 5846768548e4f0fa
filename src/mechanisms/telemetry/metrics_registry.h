// The Metrics of a process: per-thread cells, summed only when somebody looks.
//
// A write touches one cell of the caller's slot: no lock, and no cache line that another
// loop writes. Memory for a cell comes with its first write.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "mechanisms/telemetry/ddsketch.h"

namespace davy::telemetry {

class MetricsRegistry final : public Metrics {
 public:
  // Past this many series, new label values of a family share its series "other".
  static constexpr std::size_t kMaxSeries = 10'000;

  MetricsRegistry();
  ~MetricsRegistry() override;
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  // Label values are made printable (base/strings.h) and cut to 200 bytes first: values
  // that look the same are one series.
  [[nodiscard]] MetricSeries series(const MetricFamily& family,
                                    std::span<const std::string_view> label_values) override;

  // What is not finite, a counter's step below zero, and a write of the wrong kind change
  // nothing and are counted in davy_metrics_refused_total.
  void add(MetricSeries series, double by) noexcept override;
  void set(MetricSeries series, double value) noexcept override;
  void observe(MetricSeries series, double value) noexcept override;

  // Families by name, series by label values: the order is stable. A distribution is a
  // `summary` with the quantiles 0.5, 0.9, 0.99 and 0.999 over the life of the process,
  // each within 1 % of the value (DDSketch::kRelativeError).
  [[nodiscard]] std::string prometheus_text() const override;

  // What a monitor reads by a dotted name, a value for each series with its tags. Of a
  // distribution the last part says what: p50, p75, p90, p95, p99, p999, avg, sum or count
  // ("model_server.latency.p99"); a counter or gauge has no such part ("davy.requests").
  // Nothing: no family has that name, or not that part. Over the life of the process.
  struct Reading {
    std::map<std::string, std::string> tags;
    double value = 0;
  };
  [[nodiscard]] std::optional<std::vector<Reading>> read(std::string_view dotted_name) const;

  // What was written so far, for tests and monitors; 0 for a distribution.
  [[nodiscard]] double value(MetricSeries series) const noexcept;
  // Empty unless the series is a distribution. Mergeable.
  [[nodiscard]] DDSketch distribution(MetricSeries series) const;

 private:
  struct SlotBlock;
  struct Chunk;
  struct Family {
    MetricFamily about;
    std::map<std::vector<std::string>, std::uint32_t> series;
    std::optional<std::uint32_t> other;
  };
  enum class Refusal : std::uint8_t { not_finite, negative, wrong_kind, no_memory };

  // 128 chunks of 128: kMaxSeries and an "other" for each of 6,384 families.
  static constexpr std::size_t kChunks = 128;

  std::uint32_t new_index(MetricKind kind);
  [[nodiscard]] Chunk* chunk_of(MetricSeries series) const noexcept;
  [[nodiscard]] SlotBlock* block_of(Chunk& chunk) const noexcept;
  void refuse(Refusal why) noexcept;
  void append_series(std::string& out, const Family& family,
                     const std::vector<std::string>& label_values, std::uint32_t index) const;

  std::array<std::atomic<Chunk*>, kChunks> chunks_{};
  std::array<std::atomic<std::uint64_t>, 4> refused_{};
  mutable std::mutex mutex_;  // guards the two below
  std::map<std::string, Family, std::less<>> families_;
  std::uint32_t next_ = 0;
};

}  // namespace davy::telemetry
