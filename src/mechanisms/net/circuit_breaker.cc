#include "mechanisms/net/circuit_breaker.h"

#include <algorithm>

namespace davy::net {

CircuitBreaker::Permit CircuitBreaker::admit(SteadyTime now) noexcept {
  if (!trouble_.load(std::memory_order_relaxed)) return Permit::normal;
  const std::lock_guard lock(mutex_);
  if (state_ == State::closed) return Permit::normal;
  if (now < until_) return Permit::denied;
  // One at a time; but the next after as long again, since a probe may take minutes.
  state_ = State::half_open;
  until_ = now + pause_;
  return Permit::probe;
}

void CircuitBreaker::reset(SteadyTime now) noexcept {
  if (state_ != State::closed) closed_at_ = now;
  state_ = State::closed;
  failures_ = 0;
  only_connect_ = true;
  trouble_.store(false, std::memory_order_relaxed);
}

bool CircuitBreaker::close(Permit permit, SteadyTime now) noexcept {
  const std::lock_guard lock(mutex_);
  // What was sent before it opened says little of now.
  if (state_ != State::closed && permit != Permit::probe) return false;
  const bool changed = state_ != State::closed;
  reset(now);
  return changed;
}

bool CircuitBreaker::connected(Permit permit, SteadyTime now) noexcept {
  if (!trouble_.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(mutex_);
  if (!only_connect_ || (state_ != State::closed && permit != Permit::probe)) return false;
  const bool changed = state_ != State::closed;
  reset(now);
  return changed;
}

bool CircuitBreaker::failed(Permit permit, Failure failure, SteadyTime now,
                            std::uint32_t chance) noexcept {
  const std::lock_guard lock(mutex_);
  if (state_ != State::closed && permit != Permit::probe) return false;
  trouble_.store(true, std::memory_order_relaxed);
  only_connect_ = only_connect_ && failure == Failure::connect;
  if (state_ == State::closed) {
    if (++failures_ < kFailures) return false;
    if (now - closed_at_ >= kForgets) pause_ = {};
  }
  pause_ = pause_.count() == 0 ? std::chrono::nanoseconds(kFirstPause)
                               : std::min<std::chrono::nanoseconds>(2 * pause_, kLongestPause);
  const auto extra = pause_.count() / 4 * static_cast<std::int64_t>(chance >> 16) / 65536;
  const bool changed = state_ == State::closed;
  state_ = State::open;
  until_ = now + pause_ + std::chrono::nanoseconds(extra);
  return changed;
}

void CircuitBreaker::given_up(Permit permit) noexcept {
  if (permit != Permit::probe) return;
  const std::lock_guard lock(mutex_);
  if (state_ == State::half_open) until_ = {};
}

CircuitBreaker::State CircuitBreaker::state() const noexcept {
  if (!trouble_.load(std::memory_order_relaxed)) return State::closed;
  const std::lock_guard lock(mutex_);
  return state_;
}

std::chrono::nanoseconds CircuitBreaker::wait(SteadyTime now) const noexcept {
  if (!trouble_.load(std::memory_order_relaxed)) return {};
  const std::lock_guard lock(mutex_);
  if (state_ == State::closed) return {};
  return std::max<std::chrono::nanoseconds>(until_ - now, std::chrono::nanoseconds(0));
}

}  // namespace davy::net
