// A streamed answer: server-sent events of JSON, for any dialect.
//
// A surrogate pair that is split between two events ("\\ud83d" ends one, "\\ude00" begins
// the next) is moved whole into the later one, in `raw` too. If the next piece does not
// complete it, that piece begins with U+FFFD; if none follows, it is dropped.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/dialect.h"
#include "mechanisms/dialects/splice.h"
#include "mechanisms/dialects/sse.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// The walker says which event announces the end; so does `[DONE]` in each dialect.
class JsonStream final : public StreamReader {
 public:
  explicit JsonStream(std::unique_ptr<AnswerWalker> walker,
                      std::size_t max_event_bytes = kMaxEventBytes)
      : walker_(std::move(walker)), max_event_bytes_(max_event_bytes), sse_(max_event_bytes) {}

  void reset(bool drop_usage_event) override;
  void feed(std::string_view bytes) override {
    if (!done_) sse_.feed(bytes);
  }
  [[nodiscard]] Result<bool> next(StreamEvent& out) override;
  [[nodiscard]] Result<bool> finish(StreamEvent& out) override;
  [[nodiscard]] std::string_view unread() const noexcept override { return unread_; }
  [[nodiscard]] Result<std::string> apply(const StreamEvent& event,
                                          std::span<const StreamEdit> edits) override;
  void answers(std::string_view call_id) override { walker_->answers(call_id); }
  [[nodiscard]] std::string cut() const override { return walker_->cut(); }

 private:
  [[nodiscard]] Result<void> read(StreamEvent& out);
  // The same, and keeps what an error leaves unread.
  [[nodiscard]] Result<void> read_or_keep(StreamEvent& out);
  [[nodiscard]] Result<void> add_piece(const AnswerWalker::Piece& piece, StreamEvent& out);
  // The last piece of a stream, or of every one.
  static void end_stream(StreamTable::Stream& stream, StreamEvent& out);
  void end_streams(StreamEvent& out);
  // Puts the repairs of surrogate pairs into the event.
  [[nodiscard]] Result<void> repair(StreamEvent& out);

  std::unique_ptr<AnswerWalker> walker_;
  std::size_t max_event_bytes_;
  SseParser sse_;
  SseEvent event_;
  json::Index index_;
  StreamTable streams_;
  std::vector<Splice> repairs_;
  std::string unread_;
  bool done_ = false;
  bool drop_usage_event_ = false;
};

}  // namespace davy::dialects
