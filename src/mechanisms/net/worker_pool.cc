#include "mechanisms/net/worker_pool.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <memory>
#include <utility>

#include "base/log.h"

namespace davy::net {

WorkerPool::WorkerPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

bool WorkerPool::push(std::function<void(Scratch&)> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= kMaxQueue) return false;
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::serve() {
  Scratch scratch;
  for (;;) {
    std::function<void(Scratch&)> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    job(scratch);
  }
}

Task<bool> WorkerPool::run(Loop& loop, Work work) {
  // The handler moves only; std::function wants copies, so it is shared.
  return asio::async_initiate<const asio::use_awaitable_t<Executor>&, void(bool)>(
      [this, &loop](auto handler, Work job) {
        auto resume = std::make_shared<decltype(handler)>(std::move(handler));
        const auto executor = loop.executor();
        const bool queued =
            push([resume, executor, job = std::move(job)](Scratch& scratch) mutable {
              bool ran = true;
              try {
                job(scratch);
              } catch (const std::exception& error) {
                // What it was to find out is unknown: the caller must treat it so.
                log::error("work in the pool threw", {{"what", error.what()}});
                ran = false;
              }
              asio::post(executor, [resume = std::move(resume), ran] { std::move (*resume)(ran); });
            });
        if (!queued) {
          asio::post(executor, [resume] { std::move (*resume)(false); });
        }
      },
      kAwait, std::move(work));
}

}  // namespace davy::net
