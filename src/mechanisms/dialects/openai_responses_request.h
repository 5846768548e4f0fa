// The request of OpenAI's responses; what counts as what is in openai.h.
#pragma once

#include "mechanisms/dialects/openai_content.h"

namespace davy::dialects {

class OpenAiResponsesRequest final : public OpenAiContent {
 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;

  void top_level(NodeId member);
  void item(NodeId id);
  void of_item(NodeId member);
  void prompt(NodeId id);
  void tools(NodeId id);
  // Files and stores that the upstream keeps, by their ids.
  void kept(NodeId id);
};

}  // namespace davy::dialects
