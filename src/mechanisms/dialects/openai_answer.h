// Answers of OpenAI chat completions. What counts as what is in openai.h.
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
  // `message` names the member of a choice that holds the text: "message", "delta".
  explicit OpenAiWalker(std::string_view message) noexcept : message_(message) {}
  [[nodiscard]] std::string cut() const override;

 private:
  [[nodiscard]] Result<void> look() override;
  void forget() override;

  [[nodiscard]] Result<void> choice(NodeId id);
  [[nodiscard]] Result<void> message(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> tool_call(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> audio(NodeId id, std::uint32_t choice, NodeId top);
  void read_usage(NodeId id);
  void remember_head();

  std::string_view message_;
  // Every choice since reset(), in the order of their first event.
  std::vector<std::uint32_t> choices_;
  // Raw values of the first event, for events of our own.
  std::string id_;
  std::string model_;
  std::string created_;
};

class OpenAiAnswer final : public JsonAnswer {
 public:
  OpenAiAnswer() : JsonAnswer(std::make_unique<OpenAiWalker>("message")) {}

 private:
  [[nodiscard]] bool skim(std::string_view body) override;
  [[nodiscard]] bool skim_choices(json::Skim& skim);
  [[nodiscard]] bool skim_usage(json::Skim& skim);
  [[nodiscard]] bool skim_cached(json::Skim& skim, std::uint64_t& cached);
};

}  // namespace davy::dialects
