#include "core/request_edits.h"

#include <algorithm>
#include <iterator>

namespace davy {
namespace {

bool splits_code_point(std::string_view text, std::size_t at) noexcept {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

}  // namespace

std::size_t RequestEdits::find(std::string_view pointer) {
  if (by_pointer_.empty()) {
    by_pointer_.resize(segments_.size());
    for (std::size_t i = 0; i < by_pointer_.size(); ++i) by_pointer_[i] = i;
    std::stable_sort(by_pointer_.begin(), by_pointer_.end(), [this](std::size_t a, std::size_t b) {
      return segments_[a].pointer < segments_[b].pointer;
    });
  }
  const auto found = std::lower_bound(
      by_pointer_.begin(), by_pointer_.end(), pointer,
      [this](std::size_t at, std::string_view p) { return segments_[at].pointer < p; });
  if (found == by_pointer_.end() || segments_[*found].pointer != pointer) return segments_.size();
  return *found;
}

bool RequestEdits::add(Edit edit) {
  const std::size_t at = find(edit.pointer);
  if (at == segments_.size()) return false;
  const std::string_view text = segments_[at].text;
  const Span span = edit.span;
  if (span.begin > span.end || span.end > text.size() || splits_code_point(text, span.begin) ||
      splits_code_point(text, span.end)) {
    return false;
  }
  placed_.emplace_back(at, std::move(edit));
  return true;
}

std::vector<Edit> RequestEdits::merged() && {
  std::stable_sort(placed_.begin(), placed_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Edit> all;
  for (auto edit = placed_.begin(); edit != placed_.end();) {
    const std::size_t segment = edit->first;
    std::vector<Edit> of_one;
    for (; edit != placed_.end() && edit->first == segment; ++edit) {
      of_one.push_back(std::move(edit->second));
    }
    of_one = merge_edits(std::move(of_one));
    std::move(of_one.begin(), of_one.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace davy
