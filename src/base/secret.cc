#include "base/secret.h"

#include <cstring>
#include <utility>

namespace davy {

void wipe(void* data, std::size_t size) noexcept {
  if (size != 0) explicit_bzero(data, size);
}

void append_wiping(std::string& out, std::string_view text) {
  if (out.capacity() - out.size() < text.size()) {
    std::string larger;
    larger.reserve(out.size() + text.size());
    larger += out;
    wipe(out.data(), out.size());
    out = std::move(larger);
  }
  out += text;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  volatile unsigned char difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<unsigned char>(
        difference | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return difference == 0;
}

Secret::Secret(std::string&& bytes) {
  *this = copy_of(bytes);
  wipe(bytes.data(), bytes.size());
  bytes.clear();
}

Secret Secret::copy_of(std::string_view bytes) {
  Secret out;
  if (!bytes.empty()) {
    out.data_ = new char[bytes.size()];
    out.size_ = bytes.size();
    std::memcpy(out.data_, bytes.data(), bytes.size());
  }
  return out;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    release();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { release(); }

void Secret::release() noexcept {
  if (data_ != nullptr) wipe(data_, size_);
  delete[] data_;
  data_ = nullptr;
  size_ = 0;
}

}  // namespace davy
