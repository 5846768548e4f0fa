// What is counted of exchanges.
//
// Labels come from the configuration, from routes and rules, never from a caller: a model
// that is not configured and a path that is not served count under an empty label.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <tuple>

#include "core/exchange_run.h"
#include "core/metrics.h"
#include "surfaces/gateway/exchange_record.h"

namespace davy::gateway {

// Belongs to one loop: keeps the series, so that the table of the Metrics is asked once.
class SeriesCache {
 public:
  explicit SeriesCache(Metrics& metrics);

  // `+1` when an exchange begins, `-1` when it has ended.
  void active(int change) noexcept { metrics_.add(active_, change); }
  // The same of a client's connection.
  void connected(int change) noexcept { metrics_.add(connected_, change); }
  // A connection was one too many: of all, or of its client.
  void turned_away(bool of_client) noexcept { metrics_.add(turned_away_[of_client ? 1 : 0], 1); }
  void record(const ExchangeInfo& info, const ExchangeRecord& record, const ExchangeRun& run,
              Now now);
  // A finding that no stage has recorded.
  void count(const ExchangeInfo& info, const Finding& finding);

 private:
  struct Series {
    MetricSeries requests;
    MetricSeries latency;
    MetricSeries upstream;
    MetricSeries first_byte;
    MetricSeries tokens_in;
    MetricSeries tokens_out;
    MetricSeries cost;
    MetricSeries bytes_in;
    MetricSeries bytes_out;
    MetricSeries bytes_not_examined;
  };
  // Of one snapshot: its models and experiments by address, routes by that of their path.
  using Key = std::tuple<const Model*, const Experiment*, const char*, Decision::Kind, int>;
  [[nodiscard]] const Series& find(const ExchangeInfo& info, const ExchangeRecord& record);
  [[nodiscard]] Series make(const ExchangeInfo& info, const ExchangeRecord& record);
  void count_denial(const ExchangeInfo& info, const ExchangeRecord& record);

  Metrics& metrics_;
  MetricSeries active_;
  MetricSeries connected_;
  std::array<MetricSeries, 2> turned_away_;
  std::uint64_t version_ = 0;  // of the snapshot that series_ belongs to
  std::map<Key, Series> series_;
  std::map<std::uint32_t, MetricSeries> findings_;  // by rule and mode
};

}  // namespace davy::gateway
