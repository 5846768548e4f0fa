// Coverage: what was examined and what was not. "Not examined" is a result.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace davy {

struct NotExamined {
  std::string what;  // a path, a segment, a stream
  std::string why;   // "permission denied", "larger than 64 MiB"
  // A failure in scope (unreadable, missing database) is fatal: the command exits 2.
  // What the caller declared out of scope is not.
  bool fatal = true;
};

struct Coverage {
  std::uint64_t examined = 0;  // objects
  std::uint64_t examined_bytes = 0;
  std::vector<NotExamined> not_examined;
  std::uint64_t not_examined_bytes = 0;
  // More entries than kMaxNotExamined were counted here, not listed.
  std::uint64_t not_listed = 0;

  static constexpr std::size_t kMaxNotExamined = 10'000;

  void skip(NotExamined entry, std::uint64_t bytes = 0);
  void merge(Coverage other);
  [[nodiscard]] bool any_fatal() const noexcept;

 private:
  bool fatal_not_listed_ = false;
};

}  // namespace davy
