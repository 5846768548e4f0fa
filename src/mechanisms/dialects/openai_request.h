// The request of OpenAI chat completions; what counts as what is in openai.h.
#pragma once

#include <vector>

#include "mechanisms/dialects/openai_content.h"

namespace davy::dialects {

class OpenAiRequest final : public OpenAiContent {
 public:
  [[nodiscard]] bool lacks_usage() const noexcept override;

 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;
  void ask_for_usage(std::vector<Splice>& out) const override;

  void top_level(NodeId member);

  NodeId stream_options_ = json::kNoNode;
  NodeId include_usage_ = json::kNoNode;
};

}  // namespace davy::dialects
