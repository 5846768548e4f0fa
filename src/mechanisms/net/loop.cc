#include "mechanisms/net/loop.h"

#include <sched.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <exception>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"
#include "mechanisms/net/connection.h"

namespace davy::net {
namespace {

// Asio: one thread runs the context, others may post.
constexpr int kOneThread = 1;

// Of output buffers that a loop keeps.
constexpr std::size_t kBuffers = 256;
constexpr std::size_t kBufferSize = 4 * 1024;
constexpr std::size_t kLargestBuffer = 32 * 1024;

// cgroup v2 `cpu.max`: "QUOTA PERIOD" in microseconds, or "max PERIOD".
std::size_t quota_cores() {
  const auto text = read_file("/sys/fs/cgroup/cpu.max", 256);
  if (!text) return SIZE_MAX;
  const auto parts = split(trim(*text), ' ');
  if (parts.size() != 2) return SIZE_MAX;
  const auto quota = to_number(parts[0]);
  const auto period = to_number(parts[1]);
  if (!quota || !period || *period == 0) return SIZE_MAX;
  return std::max<std::size_t>(1, (*quota + *period - 1) / *period);
}

}  // namespace

Loop::Loop(std::size_t index, const Clock& clock)
    : index_(index),
      clock_(clock),
      timers_(clock.steady()),
      context_(kOneThread),
      work_(context_.get_executor()) {
  buffers_.reserve(kBuffers);
  poller_ = std::make_unique<Poller>(context_);
  poller_->start([this] { end_round(); });
}

Loop::~Loop() { poller_->abandon(); }

void Loop::spawn(Task<void> task) {
  asio::co_spawn(context_.get_executor(), std::move(task), [](std::exception_ptr error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& e) {
      log::error("a task ended with an exception", {{"what", e.what()}});
    } catch (...) {
      log::error("a task ended with an unknown exception");
    }
  });
}

void Loop::post(std::function<void()> work) {
  asio::post(context_.get_executor(), std::move(work));
}

void Loop::send_after_round(Connection& connection) {
  senders_.push_back(&connection);
  // Outside of a round, what is ready now was queued before this.
  if (senders_.size() == 1 && !poller_->in_round())
    asio::post(context_.get_executor(), [this] { end_round(); });
}

void Loop::end_round() noexcept {
  if (senders_.empty()) return;
  sending_.swap(senders_);
  for (std::size_t i = 0; i < sending_.size(); ++i) {
    Connection* const connection = sending_[i];
    if (connection == nullptr) continue;
    connection->in_round_ = false;
    (void)connection->flush();
  }
  sending_.clear();
}

void Loop::forget(Connection& connection) noexcept {
  for (auto* list : {&senders_, &sending_}) {
    std::replace(list->begin(), list->end(), &connection, static_cast<Connection*>(nullptr));
  }
}

std::string Loop::output_buffer() {
  if (buffers_.empty()) {
    std::string made;
    made.reserve(kBufferSize);
    return made;
  }
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Loop::give_back(std::string buffer) noexcept {
  if (buffers_.size() >= kBuffers || buffer.capacity() > kLargestBuffer) return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

Task<void> Loop::pause(std::chrono::nanoseconds time) {
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer(context_.get_executor());
  timer.expires_after(time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(kAwait, ignored));
}

Task<void> Loop::tick() {
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer(context_.get_executor());
  for (;;) {
    timer.expires_after(TimerWheel::kTick);
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(kAwait, error));
    if (error) co_return;
    timers_.advance(steady());
  }
}

void Loop::run() {
  spawn(tick());
  context_.run();
}

void Loop::stop() { context_.stop(); }

Loops::Loops(std::size_t count, const Clock& clock) {
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(i, clock));
}

Loops::~Loops() { stop(); }

void Loops::start() {
  for (auto& loop : loops_) threads_.emplace_back([&loop] { loop->run(); });
}

void Loops::stop() {
  for (auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::size_t cores = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cores = static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
  }
  return std::min(cores, quota_cores());
}

}  // namespace davy::net
