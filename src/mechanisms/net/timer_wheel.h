// One coarse timer wheel a loop: setting and clearing a deadline costs a few
// nanoseconds, where a timer object each would cost a heap operation.
//
// Deadlines are late by up to one tick and never early. Not thread-safe: a wheel
// belongs to one loop.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace davy::net {

class TimerWheel {
 public:
  static constexpr std::chrono::milliseconds kTick{100};

  // Calls `fire(context)` once its deadline has passed. Leaves the wheel by itself when
  // it goes. Must not outlive the wheel while it is set; does not move.
  class Timer {
   public:
    using Fire = void (*)(void* context) noexcept;
    Timer(TimerWheel& wheel, Fire fire, void* context) noexcept
        : wheel_(wheel), fire_(fire), context_(context) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { clear(); }

    // Replaces an earlier deadline. A duration below zero counts as zero.
    void set(std::chrono::nanoseconds from_now) noexcept;
    void clear() noexcept;
    [[nodiscard]] bool is_set() const noexcept { return previous_ != nullptr; }

   private:
    friend class TimerWheel;
    TimerWheel& wheel_;
    Fire fire_;
    void* context_;
    std::uint64_t due_ = 0;  // tick
    Timer* next_ = nullptr;
    Timer** previous_ = nullptr;  // what points to this one; null = not set
  };

  explicit TimerWheel(SteadyTime start) noexcept : start_(start) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // Fires everything that is due. `now` must not go back. A timer that is set while
  // another fires waits for a later call.
  void advance(SteadyTime now) noexcept;

 private:
  static constexpr std::size_t kSlots = 512;  // 51 s; a later deadline goes round

  void link(Timer& timer) noexcept;

  SteadyTime start_;
  std::uint64_t tick_ = 0;  // all ticks up to this one have fired
  std::array<Timer*, kSlots> slots_{};
};

}  // namespace davy::net
