// The requests of OpenAI's operations that take texts and are no conversation: completions,
// embeddings and their kin. What counts as what is in openai.h.
#pragma once

#include <cstdint>

#include "mechanisms/dialects/openai_content.h"

namespace davy::dialects {

class OpenAiInputRequest final : public OpenAiContent {
 public:
  enum class Gives : std::uint8_t {
    completions,  // `n` for each prompt
    numbers,      // vectors, scores: no token is written
    media,        // images, speech
  };
  explicit OpenAiInputRequest(Gives gives);

 private:
  [[nodiscard]] Result<void> read_settings() override;
  [[nodiscard]] Result<void> read_completion();
  void read_text() override;

  void top_level(NodeId member);

  Gives gives_;
};

}  // namespace davy::dialects
