// Scratch: per-thread work space of stages and scanners (matcher state, converters),
// so that a stage is immutable and shared while its buffers are not.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace davy {

// One per thread; never shared.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  // The one T of this thread, made on first use.
  template <class T>
  [[nodiscard]] T& get() {
    for (auto& [key, slot] : slots_) {
      if (key == &kKey<T>) return static_cast<Slot<T>*>(slot.get())->value;
    }
    auto made = std::make_unique<Slot<T>>();
    T& value = made->value;
    slots_.emplace_back(&kKey<T>, std::move(made));
    return value;
  }

 private:
  struct SlotBase {
    virtual ~SlotBase() = default;
  };
  template <class T>
  struct Slot final : SlotBase {
    T value{};
  };
  template <class T>
  static constexpr char kKey = 0;

  std::vector<std::pair<const char*, std::unique_ptr<SlotBase>>> slots_;
};

}  // namespace davy
