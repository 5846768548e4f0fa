// KServe v2, the Open Inference Protocol, as KServe, Triton, MLServer and OpenVINO serve it:
// `/v2/models/M/infer` and `/v2/models/M/versions/V/infer`, Triton's generate extension
// (`generate`, `generate_stream`), and what is asked with GET: health and metadata. The path
// goes upstream as it came: which of the server's models it names is the caller's choice.
// Loading and unloading models, and the server's settings, are not served.
//
// A request: `text_input` is the user's prose; every other string is a field of the kinds of
// loose_text.h, data of tensors, parameters and unknown members alike. An answer: every
// string is a text of its own, `text_output` and the like prose; in a stream, texts at the
// same place of each event are one text that goes on. Passed on without a look are
// identifiers only: `id`, `model_name`, `model_version`, and name and datatype of a tensor.
//
// The binary data extension puts raw bytes behind the JSON: such a body is no JSON, and
// counts as not examined (as blobs in base64 do).
#pragma once

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/dialects/json_request.h"
#include "mechanisms/dialects/loose_walker.h"

namespace davy::dialects {

class KServeRequest final : public JsonRequest {
 public:
  explicit KServeRequest(bool has_tensors);

 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;
  void tensors(NodeId id);

  bool has_tensors_;  // infer, not generate
};

class KServeWalker final : public LooseWalker {
 public:
  using LooseWalker::LooseWalker;

 private:
  [[nodiscard]] Result<bool> take(NodeId id) override;
};

[[nodiscard]] const Dialect& kserve() noexcept;

}  // namespace davy::dialects
