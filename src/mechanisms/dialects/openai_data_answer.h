// Answers of OpenAI's operations that are no conversation: embeddings, moderations, ranks,
// images, speech. What counts as what is in openai.h.
#pragma once

#include <string>
#include <string_view>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/json_answer.h"

namespace davy::dialects {

class OpenAiDataWalker final : public AnswerWalker {
 public:
  [[nodiscard]] std::string cut() const override;

 private:
  [[nodiscard]] Result<void> look() override;
  void all(NodeId id, Provenance provenance, Plain plain);
  // Numbers or a picture, sound: no text. The latter are counted.
  [[nodiscard]] bool is_data(NodeId id);
};

class OpenAiDataAnswer final : public JsonAnswer {
 public:
  OpenAiDataAnswer();

 private:
  [[nodiscard]] bool skim(std::string_view body) override;
};

}  // namespace davy::dialects
