// The request of OpenAI chat completions; what counts as what is in openai.h.
#pragma once

#include "mechanisms/dialects/openai_content.h"

namespace davy::dialects {

class OpenAiRequest final : public OpenAiContent {
 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;
  void top_level(NodeId member);
};

}  // namespace davy::dialects
