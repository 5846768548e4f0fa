// What is made by the first thread that needs it.
#pragma once

#include <atomic>
#include <memory>

namespace davy::telemetry {

// Owns a T once it is made. Thread-safe and lock-free; of several that make one at the
// same time the first wins. Must not be destroyed while in use.
template <class T>
class Lazy {
 public:
  Lazy() = default;
  ~Lazy() { std::unique_ptr<T>(made_.load(std::memory_order_acquire)).reset(); }
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;

  // Null while nobody needed it.
  [[nodiscard]] T* get() const noexcept { return made_.load(std::memory_order_acquire); }

  // Null only when there is no memory.
  [[nodiscard]] T* get_or_make() noexcept {
    if (T* there = get()) return there;
    std::unique_ptr<T> mine;
    try {
      mine = std::make_unique<T>();
    } catch (const std::bad_alloc&) {
      return nullptr;  // a measurement less is better than a process less
    }
    T* expected = nullptr;
    if (made_.compare_exchange_strong(expected, mine.get(), std::memory_order_acq_rel)) {
      return mine.release();
    }
    return expected;
  }

 private:
  std::atomic<T*> made_{nullptr};
};

}  // namespace davy::telemetry
