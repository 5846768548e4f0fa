// Answers of OpenAI's responses, whole and streamed. What counts as what is in openai.h.
//
// A stream tells each text up to five times: in deltas, in the event that ends them, with
// its part, with its item and with the whole response at the end. Each repetition is a text
// of its own, which is judged again: so a rule that edits the deltas edits them too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/json_answer.h"

namespace davy::dialects {

class OpenAiResponsesWalker final : public AnswerWalker {
 public:
  enum class Of : bool { whole, events };
  explicit OpenAiResponsesWalker(Of of) noexcept : of_(of) {}
  [[nodiscard]] std::string cut() const override;

 private:
  // Who speaks in an event, and how.
  struct Voice {
    Provenance provenance = Provenance::assistant;
    TextKind kind = TextKind::structured;
    bool operator==(const Voice&) const = default;
  };
  // Text that is streamed now.
  struct Live {
    std::uint64_t item = 0;  // of the answer
    std::uint64_t text = 0;  // of the item
    std::uint64_t place = 0;
    StreamKey key;
  };

  [[nodiscard]] Result<void> look() override;
  void forget() override;

  [[nodiscard]] Result<void> event();
  [[nodiscard]] Result<void> of_event(NodeId member, const Voice& voice, std::string_view step);
  [[nodiscard]] static Voice voice_of(std::string_view subject) noexcept;
  [[nodiscard]] Result<void> delta(NodeId id, const Voice& voice);
  [[nodiscard]] Result<void> live_text(NodeId id, NodeId top, const Voice& voice);
  void end_live(std::uint64_t Live::*what, std::uint64_t number);

  void response(NodeId id);
  void of_response(NodeId member);
  void item(NodeId id, std::uint32_t number);
  void of_item(NodeId member, bool picture);
  void parts(NodeId id, std::uint32_t block);
  void part(NodeId id, std::uint32_t block);
  void logprobs(NodeId id);

  // A text of the answer that has a block of its own where the answer is whole.
  void text(NodeId id, std::uint32_t block, const Voice& voice);
  // All strings at and below `id`, each for itself.
  void all(NodeId id, const Voice& voice, Plain plain = {});
  // Whether nobody here can read it; then it is counted.
  [[nodiscard]] bool hidden(NodeId id);

  void remember(NodeId response);

  Of of_;
  std::uint32_t item_ = 0;  // that is being looked at, in a whole answer
  std::uint64_t item_place_ = 0;
  std::uint64_t text_place_ = 0;
  std::vector<Live> live_;
  std::uint32_t lives_ = 0;
  std::uint64_t sequence_ = 0;  // the next one
  // Raw values of the first response, for events of our own.
  std::string id_;
  std::string model_;
  std::string created_;
};

class OpenAiResponsesAnswer final : public JsonAnswer {
 public:
  OpenAiResponsesAnswer()
      : JsonAnswer(std::make_unique<OpenAiResponsesWalker>(OpenAiResponsesWalker::Of::whole)) {}

 private:
  [[nodiscard]] bool skim(std::string_view body) override;
};

}  // namespace davy::dialects
