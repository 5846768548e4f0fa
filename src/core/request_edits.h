// The edits that stages propose for one request: checked as they come, merged at the end.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/finding.h"
#include "core/segment.h"

namespace davy {

// Belongs to one call of the runner. The segments must outlive it; their pointers are
// unique. n edits of m segments cost O((n + m) log (n + m)), and nothing without edits.
class RequestEdits {
 public:
  explicit RequestEdits(std::span<const Segment> segments) : segments_(segments) {}

  // False if the edit names no segment, lies outside its text or splits a code point.
  [[nodiscard]] bool add(Edit edit);

  // Ordered by segment, ordered and disjoint within each (merge_edits).
  [[nodiscard]] std::vector<Edit> merged() &&;

 private:
  [[nodiscard]] std::size_t find(std::string_view pointer);

  std::span<const Segment> segments_;
  std::vector<std::size_t> by_pointer_;  // positions, sorted at the first edit
  std::vector<std::pair<std::size_t, Edit>> placed_;
};

}  // namespace davy
