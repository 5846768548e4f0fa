// Threads for work that is too long for a loop (large bodies, waiting for a disk).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/scratch.h"
#include "mechanisms/net/loop.h"

namespace davy::net {

// Thread-safe.
class WorkerPool {
 public:
  using Work = std::function<void(Scratch&)>;
  static constexpr std::size_t kMaxQueue = 4096;

  explicit WorkerPool(std::size_t threads);
  // Ends after the work at hand; what still waits is dropped, and its tasks never resume:
  // destroy the pool before the loops.
  ~WorkerPool();

  // Runs `work` on a thread of the pool and resumes on `loop`. False: the queue is full
  // and nothing ran, or it threw (which is logged).
  [[nodiscard]] Task<bool> run(Loop& loop, Work work);

 private:
  [[nodiscard]] bool push(std::function<void(Scratch&)> job);
  void serve();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void(Scratch&)>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace davy::net
