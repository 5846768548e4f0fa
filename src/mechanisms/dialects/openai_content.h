// What OpenAI's operations share in their requests: texts, parts, images, tokens.
#pragma once

#include "mechanisms/dialects/json_request.h"

namespace davy::dialects {

class OpenAiContent : public JsonRequest {
 protected:
  // A role's text: system and developer → system, assistant, user, tool and function →
  // tool_result; any other → field.
  [[nodiscard]] Provenance of_role(NodeId role) const;

  // A text, a list of texts and parts, or tokens: their text is not examined.
  void content(NodeId id, Provenance provenance);
  // An object of a list; its `type` does not matter, since an upstream may ignore it.
  void part(NodeId id, Provenance provenance);
  // As collect(), but what stands for an image, audio or a file, in any spelling, is none.
  void collect_with_media(NodeId id, Provenance provenance, Plain plain = {});

 private:
  void media(NodeId id, Provenance provenance);
  [[nodiscard]] bool is_media(NodeId id);
  [[nodiscard]] bool is_media_in_any_spelling(NodeId id) const;
  // Numbers alone, where limits_.fold_numbers is set.
  [[nodiscard]] bool is_tokens(NodeId id) const;
};

}  // namespace davy::dialects
