// A secret: bytes that are zeroed when they go, that no logger can print and that
// nothing compares with `==`.
//
// There is no formatter, no stream operator and no conversion to a string: the
// bytes are reachable only through `expose()`, so a reader can search for the
// places that do. tests/compile_fail holds that.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davy {

// Overwrites memory in a way that the compiler may not leave out.
void wipe(void* data, std::size_t size) noexcept;

// Appends `text`; memory that `out` outgrows is wiped, as it may hold a secret.
void append_wiping(std::string& out, std::string_view text);

// Whether two byte strings are equal, in a time that depends on their lengths only.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b) noexcept;

class Secret {
 public:
  Secret() = default;
  // Copies the bytes, then wipes the source.
  explicit Secret(std::string&& bytes);
  [[nodiscard]] static Secret copy_of(std::string_view bytes);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  bool operator==(const Secret&) const = delete;

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  // The bytes, for the one use that needs them. Valid while this object lives.
  [[nodiscard]] std::string_view expose() const noexcept { return {data_, size_}; }

 private:
  void release() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace davy
