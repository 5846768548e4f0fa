// What model servers with plain JSON tell of tokens and of how an answer ended, in every
// shape that is in use: Hugging Face TGI (`details`), Ollama (`prompt_eval_count`), llama.cpp
// (`tokens_predicted`), Gemini (`usageMetadata`), Cohere (`meta`), and `usage` as OpenAI and
// Anthropic write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// What was told of one answer. The events of a stream tell it piece by piece, each count in
// place of what was told before.
struct LooseUsage {
  std::optional<std::uint64_t> prompt;
  std::optional<std::uint64_t> cached;  // of `prompt`
  // Beside `prompt`: what came from a cache, and what went there or to tools.
  std::optional<std::uint64_t> read;
  std::optional<std::uint64_t> more;
  std::optional<std::uint64_t> completion;
  std::optional<std::uint64_t> thoughts;  // beside `completion`

  void take(const LooseUsage& later) noexcept;
  // Nothing, if nothing was told.
  [[nodiscard]] std::optional<Usage> sum() const noexcept;
};

// Of the answer (or the event) `index`, after what was told before; of a batch, which is an
// array, the sum. Nothing if it tells nothing.
[[nodiscard]] std::optional<Usage> loose_usage(const json::Index& index, LooseUsage& told);
// As it stands there; empty if there is none, or if it is no identifier.
[[nodiscard]] std::string_view loose_finish_reason(const json::Index& index);

// What a request allows the model to write: the largest that it says, in any spelling.
[[nodiscard]] std::optional<std::uint64_t> loose_output_limit(const json::Index& index);

}  // namespace davy::dialects
