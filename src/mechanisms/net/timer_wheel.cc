#include "mechanisms/net/timer_wheel.h"

#include <algorithm>

namespace davy::net {

void TimerWheel::Timer::set(std::chrono::nanoseconds from_now) noexcept {
  clear();
  const auto rounded =
      std::max(from_now, std::chrono::nanoseconds(0)) + kTick - std::chrono::nanoseconds(1);
  // One tick more: the wheel's current tick may be almost over.
  due_ = wheel_.tick_ + 1 + static_cast<std::uint64_t>(rounded / kTick);
  wheel_.link(*this);
}

void TimerWheel::Timer::clear() noexcept {
  if (previous_ == nullptr) return;
  *previous_ = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
  previous_ = nullptr;
  next_ = nullptr;
}

void TimerWheel::link(Timer& timer) noexcept {
  Timer*& head = slots_[timer.due_ % kSlots];
  timer.next_ = head;
  timer.previous_ = &head;
  if (head != nullptr) head->previous_ = &timer.next_;
  head = &timer;
}

void TimerWheel::advance(SteadyTime now) noexcept {
  const auto target = static_cast<std::uint64_t>(std::max<std::int64_t>((now - start_) / kTick, 0));
  if (target <= tick_) return;
  // After a long pause each slot is looked at once.
  const std::uint64_t from = std::max(tick_ + 1, target >= kSlots ? target - kSlots + 1 : 0);
  tick_ = target;
  Timer* due = nullptr;
  for (std::uint64_t tick = from; tick <= target; ++tick) {
    for (Timer* timer = slots_[tick % kSlots]; timer != nullptr;) {
      Timer* const next = timer->next_;
      if (timer->due_ <= target) {
        timer->clear();
        timer->next_ = due;
        timer->previous_ = &due;
        if (due != nullptr) due->previous_ = &timer->next_;
        due = timer;
      }
      timer = next;
    }
  }
  // A timer that fires may clear or destroy any other: take them one at a time.
  while (due != nullptr) {
    Timer* const timer = due;
    timer->clear();
    timer->fire_(timer->context_);
  }
}

}  // namespace davy::net
