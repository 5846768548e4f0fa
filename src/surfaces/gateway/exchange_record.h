// What is recorded of one exchange: its event, its findings, its metrics.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "core/event.h"
#include "core/exchange_run.h"
#include "core/metrics.h"
#include "core/redactor.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::gateway {

// Filled while the exchange goes on. Times count from its start.
struct ExchangeRecord {
  std::string method;
  std::string path;
  std::string user_agent;
  std::string_view dialect;
  std::string_view route;
  std::string model;
  int status = 0;
  Decision::Kind decision = Decision::Kind::allow;
  std::string denied_by;  // rule id
  std::string stage_of_denial;
  std::optional<dialects::Usage> usage;
  std::uint64_t bytes_in = 0;   // body of the request
  std::uint64_t bytes_out = 0;  // body of the answer
  std::uint64_t bytes_not_examined = 0;
  bool upstream_called = false;
  std::optional<SteadyTime> upstream_start;
  std::optional<SteadyTime> upstream_end;
  std::optional<SteadyTime> first_byte;
  std::string finish_reason;
  std::string error;
  Outcome::End end = Outcome::End::failed;
};

// Makes `event` the row of the exchange as it stands.
void exchange_event(const ExchangeInfo& info, const ExchangeRecord& record, const ExchangeRun& run,
                    Now now, Event& event);
// One row a finding. Evidence is redacted, and left out unless the policy keeps it.
[[nodiscard]] Event finding_event(const ExchangeInfo& info, const Finding& finding,
                                  const Redactor& redactor, Scratch& scratch, Now now);

// Belongs to one loop.
class SeriesCache {
 public:
  explicit SeriesCache(Metrics& metrics) : metrics_(metrics) {}
  void record(const ExchangeInfo& info, const ExchangeRecord& record, const ExchangeRun& run,
              Now now);
  // A finding that no stage has recorded.
  void count(const ExchangeInfo& info, const Finding& finding);

 private:
  struct Series {
    MetricSeries requests;
    MetricSeries latency;
    MetricSeries upstream;
    MetricSeries bytes_not_examined;
  };
  using Key = std::tuple<std::string, std::string, Decision::Kind, int>;
  Metrics& metrics_;
  std::map<Key, Series> series_;
  std::map<std::uint32_t, MetricSeries> findings_;  // by rule and mode
};

}  // namespace davy::gateway
