#include "core/finding.h"

#include <algorithm>
#include <utility>

namespace davy {

Finding make_finding(RuleId rule, std::string message, Location location) {
  Finding finding;
  finding.rule = rule;
  finding.severity = info(rule).severity;
  finding.message = std::move(message);
  finding.location = std::move(location);
  return finding;
}

std::vector<Edit> merge_edits(std::vector<Edit> edits) {
  std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    if (a.span.begin != b.span.begin) return a.span.begin < b.span.begin;
    return a.span.end > b.span.end;
  });
  std::vector<Edit> merged;
  merged.reserve(edits.size());
  for (Edit& edit : edits) {
    // Two that begin at the same place are one, even if one or both are empty: an
    // insertion beside a replacement of the same place has no order.
    if (!merged.empty() &&
        (edit.span.begin < merged.back().span.end || edit.span.begin == merged.back().span.begin)) {
      merged.back().span.end = std::max(merged.back().span.end, edit.span.end);
    } else {
      merged.push_back(std::move(edit));
    }
  }
  return merged;
}

}  // namespace davy
