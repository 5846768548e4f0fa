// What OpenAI's operations share in their requests: texts, parts, images, tokens.
#pragma once

#include <vector>

#include "mechanisms/dialects/json_request.h"

namespace davy::dialects {

class OpenAiContent : public JsonRequest {
 public:
  [[nodiscard]] bool lacks_usage() const noexcept final;

 protected:
  // For read_settings, where `stream_options.include_usage` is an option.
  void read_usage_option();
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
  void ask_for_usage(std::vector<Splice>& out) const final;

  void tool_call(NodeId id);
  void call(NodeId id);
  void loose_media(NodeId id, Provenance provenance);
  void media(NodeId id, Provenance provenance);
  [[nodiscard]] bool is_media(NodeId id);
  [[nodiscard]] bool is_media_in_any_spelling(NodeId id) const;
  // Numbers alone, where limits_.fold_numbers is set.
  [[nodiscard]] bool is_tokens(NodeId id) const;

  bool has_usage_option_ = false;
  NodeId stream_options_ = json::kNoNode;
  NodeId include_usage_ = json::kNoNode;
};

}  // namespace davy::dialects
