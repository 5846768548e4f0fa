// A circuit breaker: an upstream that keeps failing is left alone for a while, and then
// tried with one request at a time.
//
// After M. Nygard, "Release It!" (closed, open, half-open). Failures are counted in a row,
// and pauses grow while it goes on, as in Envoy's outlier detection; the first pause is
// shorter than Envoy's 30 s, since a model often has one upstream only, and its restart
// must not cost half a minute.
//
// Thread-safe. While all is well, asking and reporting cost one load each; the rest takes
// a lock. Time and chance are handed in.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

#include "base/clock.h"

namespace davy::net {

class CircuitBreaker {
 public:
  // Envoy's consecutive_5xx.
  static constexpr unsigned kFailures = 5;
  static constexpr std::chrono::milliseconds kFirstPause{1'000};
  // Envoy's base_ejection_time. Each pause is twice the one before, up to this, and up to a
  // quarter longer by chance, so that many gateways do not come back in step.
  static constexpr std::chrono::milliseconds kLongestPause{30'000};
  // Closed for so long, the next pause is a first one again.
  static constexpr std::chrono::milliseconds kForgets{60'000};

  enum class State : std::uint8_t { closed, half_open, open };
  enum class Permit : std::uint8_t {
    denied,
    normal,
    probe,  // decides whether it closes; report what came of it
  };
  enum class Failure : std::uint8_t {
    connect,  // no connection could be made: the next one that can speaks for the upstream
    answer,   // anything after that
  };

  [[nodiscard]] Permit admit(SteadyTime now) noexcept;
  // What came of it; one of these for each permit that was not denied. True: the state has
  // changed, for whoever logs it.
  bool succeeded(Permit permit, SteadyTime now) noexcept {
    return trouble_.load(std::memory_order_relaxed) && close(permit, now);
  }
  // It is closed, and nothing has failed since the last success.
  [[nodiscard]] bool calm() const noexcept { return !trouble_.load(std::memory_order_relaxed); }
  bool failed(Permit permit, Failure failure, SteadyTime now, std::uint32_t chance) noexcept;
  // Nothing is known of the upstream: the caller left, say. Another may probe.
  void given_up(Permit permit) noexcept;
  // A new connection was made. Enough where only connecting had failed, since a model may
  // think for minutes before its first byte. Not a report: that follows. True as above.
  bool connected(Permit permit, SteadyTime now) noexcept;

  [[nodiscard]] State state() const noexcept;
  // How long until a request may be admitted; 0 where one may be now.
  [[nodiscard]] std::chrono::nanoseconds wait(SteadyTime now) const noexcept;

 private:
  bool close(Permit permit, SteadyTime now) noexcept;
  void reset(SteadyTime now) noexcept;

  std::atomic<bool> trouble_{false};  // not closed, or failures are being counted
  mutable std::mutex mutex_;          // guards the rest
  State state_ = State::closed;
  unsigned failures_ = 0;  // in a row
  bool only_connect_ = true;
  std::chrono::nanoseconds pause_{0};  // of the last opening
  SteadyTime until_{};                 // open: when it may be tried; half open: when again
  SteadyTime closed_at_{};
};

}  // namespace davy::net
