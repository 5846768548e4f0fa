// Tells the connections of one loop when they can be read and written.
//
// An epoll set of its own (epoll(7), edge-triggered, each socket added once), because
// Asio's reactor tries to read at the start of each read: where requests and answers
// alternate, as here, that is a system call in vain each time, and measured at 6 % of an
// exchange. The loop's io_context waits for this set as for any descriptor.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/files.h"
#include "mechanisms/net/task.h"

namespace davy::net {

class Connection;

// Belongs to one loop, and must outlive its connections.
class Poller {
 public:
  explicit Poller(asio::io_context& context);
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // `round_ended` is called each time after the connections that are ready were told.
  void start(std::function<void()> round_ended);
  // Before the context goes: hands it the coroutines that wait, so that they go with it.
  void abandon() noexcept;
  // Whether connections are being told now.
  [[nodiscard]] bool in_round() const noexcept { return in_round_; }

  // How many times they were told.
  [[nodiscard]] std::uint64_t rounds() const noexcept { return rounds_; }

  // False: the kernel has no room for one more.
  [[nodiscard]] bool add(Connection& connection) noexcept;
  void remove(Connection& connection) noexcept;

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  void wait();
  void round();

  Fd set_;
  std::unique_ptr<Descriptor> descriptor_;  // waits for set_; closed with the context
  std::function<void()> round_ended_;
  Connection* first_ = nullptr;  // of all
  std::array<epoll_event, 256> events_;
  std::size_t told_ = 0;  // events_ before this one are done
  std::size_t ready_ = 0;
  std::uint64_t rounds_ = 0;
  bool in_round_ = false;
};

}  // namespace davy::net
