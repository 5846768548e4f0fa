// Plain JSON: any method and path below a model's base ("/predict"), for models and servers
// that no other dialect describes: a fraud model, Hugging Face TGI, Ollama, llama.cpp,
// TensorFlow Serving.
//
// A request: every string of at least one byte, at any depth, is a segment of provenance
// field, and so is every object key that is not a plain name; nothing is passed on without a
// look. Its kind is that of loose_text.h. The root may be any JSON value, and keys are the
// caller's own: what limits an answer counts in every spelling. What the body
// calls `model` is a field like any other and goes upstream as it came: the path names the
// model that counts here.
//
// An answer: every string is a text of its own, complete in itself. Where a list called
// `tokens` or `prefill` takes a text apart, its pieces are one text again. In a stream,
// texts at the same place of each event are one text that goes on (TGI's `token.text`), all
// prose.
//
// Counts as not examined: what is_blob() tells as base64 of an image, audio or a file (it is
// text all the same), and answers that are neither one JSON value nor server-sent events,
// such as Ollama's lines of JSON.
#pragma once

#include <cstdint>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/dialects/json_request.h"
#include "mechanisms/dialects/loose_walker.h"

namespace davy::dialects {

class PredictRequest final : public JsonRequest {
 public:
  PredictRequest();

 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;
};

class PredictWalker final : public LooseWalker {
 public:
  using LooseWalker::LooseWalker;

 private:
  void begin() override;
  [[nodiscard]] Result<bool> take(NodeId id) override;
  // The list of tokens that a string is a piece of, or kNoNode.
  [[nodiscard]] NodeId tokens_of(NodeId id) const;

  NodeId tokens_ = json::kNoNode;  // the list that we are in
  std::uint32_t lists_ = 0;        // so many of them began
};

[[nodiscard]] const Dialect& predict() noexcept;

}  // namespace davy::dialects
