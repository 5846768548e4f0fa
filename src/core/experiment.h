// Experiments: the unit that everything hangs on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace davy {

enum class Lifecycle : std::uint8_t { sandbox, staging, production };
[[nodiscard]] std::string_view name(Lifecycle stage) noexcept;
[[nodiscard]] std::optional<Lifecycle> lifecycle_from(std::string_view text) noexcept;

struct Budget {
  std::optional<double> usd_per_day;
  std::optional<double> usd_per_month;
  std::optional<std::uint64_t> tokens_per_minute;
  std::optional<std::uint32_t> concurrency;
};

// How much a denial tells the caller; details teach an attacker.
enum class DenialDetail : std::uint8_t { full, minimal };

struct Experiment {
  std::string name;
  std::string owner;
  std::string purpose;
  std::string risk_tier;
  std::vector<std::string> models;
  std::vector<std::string> datasets;
  Lifecycle stage = Lifecycle::sandbox;  // in a file: the highest stage it may have
  Budget budget;
  std::string usage_plan;
  std::optional<std::chrono::sys_days> expires;  // the last day on which it serves, UTC
  std::optional<DenialDetail> denial_detail;
  Place place;

  [[nodiscard]] bool expired(WallTime now) const noexcept;
  [[nodiscard]] bool may_use(std::string_view model) const noexcept;
  // As configured, else full in sandbox and staging, minimal in production.
  [[nodiscard]] DenialDetail detail() const noexcept;
};

}  // namespace davy
