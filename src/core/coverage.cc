#include "core/coverage.h"

#include <algorithm>
#include <utility>

namespace davy {

void Coverage::skip(NotExamined entry, std::uint64_t bytes) {
  not_examined_bytes += bytes;
  if (not_examined.size() < kMaxNotExamined) {
    not_examined.push_back(std::move(entry));
    return;
  }
  ++not_listed;
  fatal_not_listed_ = fatal_not_listed_ || entry.fatal;
}

void Coverage::merge(Coverage other) {
  examined += other.examined;
  examined_bytes += other.examined_bytes;
  not_examined_bytes += other.not_examined_bytes;
  not_listed += other.not_listed;
  fatal_not_listed_ = fatal_not_listed_ || other.fatal_not_listed_;
  for (NotExamined& entry : other.not_examined) skip(std::move(entry));
}

bool Coverage::any_fatal() const noexcept {
  return fatal_not_listed_ || std::any_of(not_examined.begin(), not_examined.end(),
                                          [](const NotExamined& entry) { return entry.fatal; });
}

}  // namespace davy
