#include "mechanisms/dialects/splice.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace davy::dialects {
namespace {

// Which edits touch one piece of a stream, as edits of that piece. `placed[i]` counts
// the bytes of edit i that have found their place; an insertion counts as one.
class PieceEdits {
 public:
  explicit PieceEdits(std::span<const StreamEdit> edits) : placed_(edits.size(), 0) {
    order_.reserve(edits.size());
    for (const StreamEdit& edit : edits) order_.push_back(&edit);
    std::stable_sort(order_.begin(), order_.end(), [](const auto* a, const auto* b) {
      return std::pair(rank(a->key), a->span.begin) < std::pair(rank(b->key), b->span.begin);
    });
  }

  [[nodiscard]] std::span<const TextEdit> of(const StreamSegment& piece) {
    here_.clear();
    const std::size_t begin = piece.offset;
    const std::size_t end = begin + piece.text.size();
    if (begin == end) return here_;
    const auto first = std::lower_bound(
        order_.begin(), order_.end(), rank(piece.key),
        [](const StreamEdit* edit, const Rank& key) { return rank(edit->key) < key; });
    for (auto at = first; at != order_.end() && (*at)->key == piece.key; ++at) {
      const StreamEdit& edit = **at;
      const auto i = static_cast<std::size_t>(at - order_.begin());
      if (edit.span.empty()) {
        // An insertion goes to the piece that holds the byte before it.
        const std::size_t place = edit.span.begin;
        if ((place <= begin && place != 0) || place > end || (place == 0 && begin != 0)) continue;
        here_.push_back({{place - begin, place - begin}, edit.replacement});
        placed_[i] += 1;
        continue;
      }
      const std::size_t from = std::max(edit.span.begin, begin);
      const std::size_t to = std::min(edit.span.end, end);
      if (from >= to) continue;
      const bool begins = edit.span.begin >= begin;
      here_.push_back({{from - begin, to - begin},
                       begins ? std::string_view(edit.replacement) : std::string_view()});
      placed_[i] += to - from;
    }
    return here_;
  }

  [[nodiscard]] bool all_placed() const {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const Span& span = order_[i]->span;
      if (placed_[i] != (span.empty() ? 1 : span.size())) return false;
    }
    return true;
  }

 private:
  using Rank = std::tuple<std::uint32_t, std::uint32_t, Provenance, TextKind>;
  static Rank rank(const StreamKey& key) noexcept {
    return {key.choice, key.block, key.provenance, key.kind};
  }

  std::vector<const StreamEdit*> order_;
  std::vector<std::size_t> placed_;
  std::vector<TextEdit> here_;
};

}  // namespace

void add_text_splices(std::string_view json, Span source, std::span<const TextEdit> edits,
                      std::vector<Splice>& out) {
  json::SourceCursor cursor(slice(json, source));
  for (const TextEdit& edit : edits) {
    const std::size_t begin = cursor.begin_of(edit.span.begin);
    const std::size_t end = edit.span.empty() ? begin : cursor.end_of(edit.span.end);
    Splice& added = out.emplace_back();
    added.source = {source.begin + begin, source.begin + end};
    json::append_escaped(added.replacement, edit.replacement);
  }
}

Result<std::string> splice(std::string_view json, std::vector<Splice> splices) {
  std::stable_sort(splices.begin(), splices.end(), [](const Splice& a, const Splice& b) {
    return std::pair(a.source.begin, a.source.end) < std::pair(b.source.begin, b.source.end);
  });
  std::size_t size = json.size();
  for (const Splice& each : splices) size += each.replacement.size();
  std::string out;
  out.reserve(size);
  std::size_t at = 0;
  for (const Splice& each : splices) {
    if (each.source.begin < at) return internal_error("two edits of a body overlap");
    out.append(json, at, each.source.begin - at).append(each.replacement);
    at = each.source.end;
  }
  out.append(json, at);
  return out;
}

Result<std::string> edit_streams(std::string_view json, std::span<const StreamSegment> segments,
                                 std::span<const Span> sources,
                                 std::span<const StreamEvent::Echo> echoes,
                                 std::span<const StreamEdit> edits, Reach reach) {
  PieceEdits piece_edits(edits);
  std::vector<Splice> splices;
  std::vector<std::uint32_t> choices;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto here = piece_edits.of(segments[i]);
    if (here.empty()) continue;
    for (std::size_t j = 1; j < here.size(); ++j) {
      if (here[j].span.begin < here[j - 1].span.end) {
        return internal_error("two edits of an answer overlap");
      }
    }
    add_text_splices(json, sources[i], here, splices);
    if (!echoes.empty()) choices.push_back(segments[i].key.choice);
  }
  if (reach == Reach::whole && !piece_edits.all_placed()) {
    return internal_error("an edit names no text of the answer");
  }
  for (const auto& echo : echoes) {
    if (std::find(choices.begin(), choices.end(), echo.choice) == choices.end()) continue;
    const bool list = slice(json, echo.source).starts_with('[');
    splices.push_back({echo.source, list ? "[]" : "null"});
  }
  return splice(json, std::move(splices));
}

}  // namespace davy::dialects
