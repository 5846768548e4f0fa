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

// Of the answer (or the event) `index`; of a batch, which is an array, the sum.
[[nodiscard]] std::optional<Usage> loose_usage(const json::Index& index);
// As it stands there; empty if there is none, or if it is no identifier.
[[nodiscard]] std::string_view loose_finish_reason(const json::Index& index);

// What a request allows the model to write: the largest that it says, in any spelling.
[[nodiscard]] std::optional<std::uint64_t> loose_output_limit(const json::Index& index);

}  // namespace davy::dialects
