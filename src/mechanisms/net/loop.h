// Event loops: one per usable core, each with its own connections, timers and scratch.
// What runs on a loop touches only that loop's things; other threads reach it by post.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "core/scratch.h"
#include "mechanisms/net/poller.h"
#include "mechanisms/net/task.h"
#include "mechanisms/net/timer_wheel.h"

namespace davy::net {

class Loop {
 public:
  Loop(std::size_t index, const Clock& clock);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  [[nodiscard]] std::size_t index() const noexcept { return index_; }
  [[nodiscard]] Executor executor() noexcept { return context_.get_executor(); }
  [[nodiscard]] asio::io_context& context() noexcept { return context_; }
  [[nodiscard]] TimerWheel& timers() noexcept { return timers_; }
  [[nodiscard]] Poller& poller() noexcept { return *poller_; }
  [[nodiscard]] Scratch& scratch() noexcept { return scratch_; }
  [[nodiscard]] Now now() const noexcept { return clock_.now(); }
  [[nodiscard]] SteadyTime steady() const noexcept { return clock_.steady(); }

  // Starts `task` on this loop. An exception that leaves it is logged, never lost.
  // Thread-safe.
  void spawn(Task<void> task);
  // Runs `work` on this loop. Thread-safe.
  void post(std::function<void()> work);

  // A round is what was ready when the loop looked last. Output that waits for its end
  // goes out together: the same bytes, but the other side is woken once for all of them,
  // which halves what sending costs (Redis and nginx's HTTP/2 do the same).
  void send_after_round(Connection& connection);
  // Connections whose output waits or is on its way into the kernel. Reading is thread-safe.
  void count_output(int change) noexcept {
    output_.store(output_.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  }
  [[nodiscard]] int waiting_output() const noexcept {
    return output_.load(std::memory_order_acquire);
  }
  // Of a connection that goes before its round has ended.
  void forget(Connection& connection) noexcept;
  // Memory for output: empty, with room for a usual message. Give it back when it is sent.
  [[nodiscard]] std::string output_buffer();
  void give_back(std::string buffer) noexcept;

  // Waits that long.
  [[nodiscard]] Task<void> pause(std::chrono::nanoseconds time);

  // Runs until `stop`.
  void run();
  // Thread-safe. Tasks that still wait are destroyed with the loop.
  void stop();

 private:
  Task<void> tick();
  void end_round() noexcept;

  std::size_t index_;
  const Clock& clock_;
  Scratch scratch_;
  TimerWheel timers_;
  std::vector<Connection*> senders_;  // null: gone before the round ended
  std::vector<Connection*> sending_;  // the same, while they are sent
  std::vector<std::string> buffers_;
  std::atomic<int> output_{0};
  std::unique_ptr<Poller> poller_;
  // Last: what it destroys (waiting tasks) uses the members above.
  asio::io_context context_;
  asio::executor_work_guard<Executor> work_;
};

// All loops of the process, each on a thread of its own.
class Loops {
 public:
  Loops(std::size_t count, const Clock& clock);
  ~Loops();
  Loops(const Loops&) = delete;
  Loops& operator=(const Loops&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return loops_.size(); }
  [[nodiscard]] Loop& operator[](std::size_t at) noexcept { return *loops_[at]; }
  [[nodiscard]] const Loop& operator[](std::size_t at) const noexcept { return *loops_[at]; }

  void start();
  // Stops and joins. Safe to call twice.
  void stop();

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

// How many cores this process may use: affinity mask and cgroup v2 CPU quota, at least 1.
[[nodiscard]] std::size_t usable_cores();

}  // namespace davy::net
