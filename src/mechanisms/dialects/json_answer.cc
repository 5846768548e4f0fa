#include "mechanisms/dialects/json_answer.h"

#include <utility>

#include "mechanisms/dialects/splice.h"

namespace davy::dialects {

JsonAnswer::JsonAnswer(std::unique_ptr<AnswerWalker> walker, json::Limits limits)
    : walker_(std::move(walker)), limits_(limits) {
  // Models do emit halves of characters; an answer should not fail for it.
  limits_.surrogates = json::Surrogates::replace;
}

void JsonAnswer::clear() {
  arena_.clear();
  segments_.clear();
  sources_.clear();
  streams_.reset();
  walker_->reset();
  usage_.reset();
  finish_reason_ = {};
}

Result<void> JsonAnswer::read_account(std::string_view body) {
  clear();
  if (skim(body)) return {};
  return read(body);
}

Result<void> JsonAnswer::read(std::string_view body) {
  clear();
  DAVY_TRY(index_.parse(body, limits_));
  DAVY_TRY(walker_->walk(index_));
  usage_ = walker_->usage();
  finish_reason_ = walker_->finish_reason();
  for (const AnswerWalker::Piece& piece : walker_->pieces()) {
    const std::string_view raw = slice(body, piece.source);
    const std::string_view text = piece.has_escapes ? json::decode(raw, arena_) : raw;
    sources_.push_back(piece.source);
    if (piece.ends) {
      segments_.push_back({piece.key, 0, text, true});
      continue;
    }
    StreamTable::Stream* const stream = streams_.find(piece.key);
    if (stream == nullptr) return too_many_streams();
    segments_.push_back({piece.key, stream->offset, text, false});
    stream->offset += text.size();
  }
  for (StreamSegment& segment : segments_) {
    if (segment.last) continue;
    segment.last = segment.offset + segment.text.size() == streams_.find(segment.key)->offset;
  }
  return {};
}

Result<std::string> JsonAnswer::apply(std::span<const StreamEdit> edits) const {
  return edit_streams(index_.source(), segments_, sources_, walker_->echoes(), edits, Reach::whole);
}

}  // namespace davy::dialects
