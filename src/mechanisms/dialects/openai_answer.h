// Answers of OpenAI's chat completions and completions. What counts as what is in openai.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/json_answer.h"
#include "mechanisms/formats/json_skim.h"

namespace davy::dialects {

class OpenAiWalker final : public AnswerWalker {
 public:
  // What a choice holds, and where.
  enum class Form : std::uint8_t {
    message,  // chat: an object `message`
    delta,    // a chunk of chat: the same in `delta`
    text,     // a completion, whole or a chunk: a string `text`
  };
  explicit OpenAiWalker(Form form) noexcept : form_(form) {}
  [[nodiscard]] std::string cut() const override;

 private:
  [[nodiscard]] Result<void> look() override;
  void forget() override;

  [[nodiscard]] Result<void> choice(NodeId id);
  [[nodiscard]] Result<void> message(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> tool_call(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> audio(NodeId id, std::uint32_t choice, NodeId top);
  void remember_head();

  Form form_;
  // Every choice since reset(), in the order of their first event.
  std::vector<std::uint32_t> choices_;
  // Raw values of the first event, for events of our own.
  std::string id_;
  std::string model_;
  std::string created_;
};

class OpenAiAnswer final : public JsonAnswer {
 public:
  explicit OpenAiAnswer(OpenAiWalker::Form form)
      : JsonAnswer(std::make_unique<OpenAiWalker>(form)) {}

 private:
  [[nodiscard]] bool skim(std::string_view body) override;
  [[nodiscard]] bool skim_choices(json::Skim& skim);
};

}  // namespace davy::dialects
