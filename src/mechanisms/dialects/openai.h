// The OpenAI dialect: POST /v1/chat/completions, whole and streamed.
//
// Provenance in a request, by the role of the message: system and developer → system,
// user → user, assistant → assistant, tool and function → tool_result; another role →
// field. `tool_calls[].function.arguments` (and `custom.input`) → tool_call; `tools` and
// `functions` → document; `prediction.content` → assistant. Every other string of at
// least one byte → field. Passed on without a look are only values that look like an
// identifier (up to 128 of [A-Za-z0-9_.:/@+-]) in the places that openai_request.cc
// lists: model, role, type, ids of tool calls and the like.
//
// Streams of an answer: see the blocks below. Kinds: text and refusals are prose, the
// rest is structured. `logprobs` repeats the text token by token: an edit of a choice's
// text sets its `logprobs` to null.
#pragma once

#include <cstdint>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

// StreamKey::block of an answer.
inline constexpr std::uint32_t kContentBlock = 0;   // `content`, if a string
inline constexpr std::uint32_t kToolCallBlock = 1;  // plus the tool call's index: its arguments
inline constexpr std::uint32_t kToolNameBlock = 0x4000'0000;  // plus the index: its name
inline constexpr std::uint32_t kRefusalBlock = 0x8000'0000;   // `refusal`
// Other places: kOtherBlock.

[[nodiscard]] const Dialect& openai() noexcept;

}  // namespace davy::dialects
