// The snapshot that new exchanges begin with.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "surfaces/gateway/upstream_choice.h"

namespace davy::gateway {

// Thread-safe. A loop keeps a Reader, which costs one load while nothing has changed.
class SnapshotHolder {
 public:
  explicit SnapshotHolder(std::shared_ptr<const Published> first) : current_(std::move(first)) {}

  void publish(std::shared_ptr<const Published> next) {
    const std::lock_guard lock(mutex_);
    current_ = std::move(next);
    generation_.fetch_add(1, std::memory_order_release);
  }
  [[nodiscard]] std::shared_ptr<const Published> current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // Belongs to one loop.
  class Reader {
   public:
    explicit Reader(const SnapshotHolder& holder) : holder_(holder) {}
    [[nodiscard]] const std::shared_ptr<const Published>& get() {
      const auto generation = holder_.generation_.load(std::memory_order_acquire);
      if (generation != seen_ || !pinned_) {
        pinned_ = holder_.current();
        seen_ = generation;
      }
      return pinned_;
    }

   private:
    const SnapshotHolder& holder_;
    std::uint64_t seen_ = 0;
    std::shared_ptr<const Published> pinned_;
  };

 private:
  std::atomic<std::uint64_t> generation_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const Published> current_;
};

}  // namespace davy::gateway
