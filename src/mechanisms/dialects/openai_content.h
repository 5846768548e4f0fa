// What OpenAI's operations share in their requests: texts, parts, images, tokens.
#pragma once

#include "mechanisms/dialects/json_request.h"

namespace davy::dialects {

class OpenAiContent : public JsonRequest {
 protected:
  // A role's text: system and developer → system, assistant, user, tool and function →
  // tool_result; any other → field.
  [[nodiscard]] Provenance of_role(NodeId role) const;

  // An object of a conversation.
  void message(NodeId id);
  // Something that the upstream keeps, by its id.
  void reference(NodeId id);
  // A text, a part, a list of both, or tokens: their text is not examined.
  void content(NodeId id, Provenance provenance);
  // An object of a list; its `type` does not matter, since an upstream may ignore it.
  void part(NodeId id, Provenance provenance);
  // As collect(), but what stands for an image, audio or a file, in any spelling, is none.
  void collect_with_media(NodeId id, Provenance provenance, Plain plain = {});

  // Whether a member's key says that it stands for a text or a picture in numbers, or for an
  // image and the like, maybe by a link; then it is done with.
  [[nodiscard]] bool is_embeddings(NodeId id, Provenance provenance);
  [[nodiscard]] bool is_loose_media(NodeId id, Provenance provenance);

 private:
  void tool_call(NodeId id);
  void call(NodeId id);
  void loose_media(NodeId id, Provenance provenance);
  void media(NodeId id, Provenance provenance);
  [[nodiscard]] bool is_media(NodeId id);
  [[nodiscard]] bool is_media_in_any_spelling(NodeId id) const;
  // Numbers alone, where limits_.fold_numbers is set.
  [[nodiscard]] bool is_tokens(NodeId id) const;
};

}  // namespace davy::dialects
