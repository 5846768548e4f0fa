// The request of Anthropic messages and of count_tokens; what counts as what is in
// anthropic.h.
#pragma once

#include "mechanisms/dialects/json_request.h"

namespace davy::dialects {

class AnthropicRequest final : public JsonRequest {
 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;

  void top_level(NodeId member);
  void container(NodeId id);
  void message(NodeId id);
  void content(NodeId id, Provenance provenance);
  void block(NodeId id, Provenance provenance);
  void source(NodeId id, Provenance provenance);
  void citation(NodeId id);
};

}  // namespace davy::dialects
