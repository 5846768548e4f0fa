// Time is handed in. Only this file and clock.cc ask the system for it; a test
// (tools/check_capabilities.py) holds that.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace davy {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

// One reading of both clocks. Rates and timeouts use `steady`, which never steps
// back; quotas, expiry and events use `wall`, which people and other machines share.
struct Now {
  SteadyTime steady{};
  WallTime wall{};
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Now now() const noexcept = 0;
  // The same, of one clock alone: half the price.
  [[nodiscard]] virtual SteadyTime steady() const noexcept { return now().steady; }
};

// The clocks of the machine. Thread-safe.
[[nodiscard]] const Clock& system_clock() noexcept;

// For tests: stands still until told. Not thread-safe.
class ManualClock final : public Clock {
 public:
  ManualClock() = default;
  explicit ManualClock(WallTime wall) { now_.wall = wall; }
  [[nodiscard]] Now now() const noexcept override { return now_; }
  void advance(std::chrono::nanoseconds by) {
    now_.steady += by;
    now_.wall += std::chrono::duration_cast<WallTime::duration>(by);
  }
  void step_wall(std::chrono::nanoseconds by) {
    now_.wall += std::chrono::duration_cast<WallTime::duration>(by);
  }

 private:
  Now now_{SteadyTime{std::chrono::hours(1)}, WallTime{std::chrono::hours(24 * 365 * 50)}};
};

// RFC 3339 in UTC with milliseconds: "2026-11-24T05:44:31.042Z".
[[nodiscard]] std::string rfc3339(WallTime time);

// Seconds since 1970, as events store it (`_time`).
[[nodiscard]] double unix_seconds(WallTime time) noexcept;

}  // namespace davy
