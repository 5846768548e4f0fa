// Lets one coroutine of a loop wait until another has come to a point.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <chrono>

#include "mechanisms/net/loop.h"
#include "mechanisms/net/task.h"

namespace davy::net {

// Belongs to one loop; opens once.
class Latch {
 public:
  explicit Latch(Loop& loop) : timer_(loop.executor(), Clock::time_point::max()) {}

  void open();
  [[nodiscard]] Task<void> wait();

 private:
  using Clock = std::chrono::steady_clock;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer_;
  bool open_ = false;
};

}  // namespace davy::net
