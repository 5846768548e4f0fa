// What is recorded of one exchange: its event and its findings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/exchange_run.h"
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

// What the exchange cost, where its usage and the model's price are known.
[[nodiscard]] std::optional<double> cost_usd(const ExchangeInfo& info,
                                             const ExchangeRecord& record) noexcept;

// Makes `event` the row of the exchange as it stands.
void exchange_event(const ExchangeInfo& info, const ExchangeRecord& record, const ExchangeRun& run,
                    Now now, Event& event);
// One row a finding. Evidence is redacted, and left out unless the policy keeps it.
[[nodiscard]] Event finding_event(const ExchangeInfo& info, const Finding& finding,
                                  const Redactor& redactor, Scratch& scratch, Now now);

}  // namespace davy::gateway
