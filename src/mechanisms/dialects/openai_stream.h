// The streamed answer of the OpenAI dialect; what counts as what is in openai.h.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/dialects/openai_answer.h"
#include "mechanisms/dialects/splice.h"
#include "mechanisms/dialects/sse.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

class OpenAiStream final : public StreamReader {
 public:
  void reset() override;
  void feed(std::string_view bytes) override { sse_.feed(bytes); }
  [[nodiscard]] Result<bool> next(StreamEvent& out) override;
  [[nodiscard]] Result<bool> finish(StreamEvent& out) override;
  [[nodiscard]] Result<std::string> apply(const StreamEvent& event,
                                          std::span<const StreamEdit> edits) const override;
  [[nodiscard]] std::string cut() const override;

 private:
  [[nodiscard]] Result<void> read(StreamEvent& out);
  [[nodiscard]] Result<void> add_piece(const AnswerWalker::Piece& piece, StreamEvent& out);
  void remember_head();
  // The last piece of every stream.
  void end_streams(StreamEvent& out);
  // Puts the repairs of surrogate pairs into the event.
  [[nodiscard]] Result<void> repair(StreamEvent& out);

  SseParser sse_;
  SseEvent event_;
  json::Index index_;
  AnswerWalker walker_{"delta"};
  StreamTable streams_;
  std::vector<Splice> repairs_;
  bool done_ = false;

  // Raw values of the first event, for events of our own.
  std::string id_;
  std::string model_;
  std::string created_;
};

}  // namespace davy::dialects
