// From a decision or a failure to what the caller reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/decision.h"
#include "core/stage.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::gateway {

// What events name where the gateway itself decided, not a stage.
inline constexpr std::string_view kGateway = "gateway";

// An answer that the gateway itself gives.
struct Refusal {
  dialects::Problem problem;
  dialects::Detail detail = dialects::Detail::full;
  // SDKs must not try again: waiting does not help.
  bool no_retry = false;
  std::string allow;              // with 405: the methods of the path
  std::uint32_t retry_after = 0;  // seconds; 0 = not said
  // For the event: what decided.
  bool denied = false;  // by policy; else it is a failure
  std::string_view stage;
  // What the gateway itself found, which no stage has recorded.
  std::optional<Finding> finding;
};

// A finding of the gateway's own about the request.
[[nodiscard]] Finding about_request(RuleId rule, std::string message, std::string fix = {});

// The status for a denial by that rule: 401 where the caller is not known, 404 and 413
// for routes, models and sizes, else 403.
[[nodiscard]] int status_of(RuleId rule) noexcept;

// A policy denial, by a stage or by the gateway itself.
[[nodiscard]] Refusal denied(const ExchangeInfo& info, const Finding& reason,
                             std::string_view stage);
// An error in an enforcing stage: 503.
[[nodiscard]] Refusal failed_closed(const ExchangeInfo& info, std::string_view stage);
// Bytes that we cannot read: 400, or 413 for an error of kind limit.
[[nodiscard]] Refusal malformed(const ExchangeInfo& info, const Error& error);
// The upstream: 502, or 504 when it took too long. Names no address to the caller.
[[nodiscard]] Refusal upstream_failed(const ExchangeInfo& info, bool timed_out,
                                      std::string_view what);
// Every upstream is left alone, since it keeps failing: 503. `wait` until one is tried again.
[[nodiscard]] Refusal upstream_unavailable(const ExchangeInfo& info, std::chrono::nanoseconds wait);
// 504: it took longer than limits.total_timeout.
[[nodiscard]] Refusal out_of_time(const ExchangeInfo& info, std::chrono::milliseconds limit);
// This process lacks descriptors, ports or memory for a connection: 503.
[[nodiscard]] Refusal out_of_means(const ExchangeInfo& info);
// What an upstream said before others were asked in vain.
struct Busy {
  int status = 0;
  std::uint32_t retry_after = 0;  // seconds; 0 = not said
};
[[nodiscard]] Refusal upstream_busy(const ExchangeInfo& info, const Busy& said);
// 502; in a stream, its end.
[[nodiscard]] Refusal answer_too_large(const ExchangeInfo& info, std::uint64_t limit);

}  // namespace davy::gateway
