// The OpenAI dialect: chat completions, responses, completions, embeddings and their kin,
// whole and streamed, at OpenAI's own paths and at Azure OpenAI's.
//
// In every request, a string of at least one byte that nothing below names → field. Passed
// on without a look are only values that look like an identifier (up to 128 of
// [A-Za-z0-9_.:/@+-]) in the places that the sources list: model, role, type, ids.
//
// Chat. Provenance by the role of the message: system and developer → system, user → user,
// assistant → assistant, tool and function → tool_result; another role → field.
// `tool_calls[].function.arguments` (and `custom.input`) → tool_call; `tools` and
// `functions` → document; `prediction.content` → assistant.
//
// Responses. `input` as a text → user; its messages by their role, `instructions` → system,
// `prompt.variables` → user, `tools` → document. Items of any type, also those that are not
// known here: `arguments`, `input`, `action`, `operation`, `code`, `query` → tool_call;
// `output`, `result`, `error` → tool_result; `summary` and what a reasoning item says →
// assistant. Counted as not examined, since it reaches the model and cannot be seen: what
// `previous_response_id`, `conversation`, `prompt.id`, item_reference, `vector_store_ids` and
// `container` of a tool name, and `encrypted_content`. An answer made in the background is refused
// unless it is streamed: it would be fetched past the gateway.
//
// Completions: `prompt`, `suffix` → user. Embeddings, moderations, ranks, scores, images,
// speech: `input`, `prompt`, `query`, `text_1`, `instructions` → user; `documents`,
// `text_2` → document; `messages` as in chat. Tokens and embeddings (`prompt_embeds`, …) instead
// of a text are counted as not examined, and so are `audio.id` of a message, which the provider
// keeps, and images in any form; a blob (loose_text.h) is text all the same.
//
// Streams of an answer: see the blocks below. Kinds: text and refusals are prose, the
// rest is structured. `logprobs` repeats the text token by token: an edit of a choice's
// text sets its `logprobs` to null or []; else they pass without a look, with tokens that the
// model did not choose (`top_logprobs`). What an answer of responses repeats of its request
// has the request's provenance. Vectors, also in base64, are numbers, not text.
#pragma once

#include <cstdint>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

// Route::operation.
enum OpenAiOperation : std::uint8_t {
  kOpenAiChat,
  kOpenAiResponses,
  kOpenAiCompletions,
  kOpenAiNumbers,  // embeddings, moderations, ranks, scores
  kOpenAiMedia,    // images, speech
  kOpenAiOperations,
};

// StreamKey::block of an answer.
inline constexpr std::uint32_t kContentBlock = 0;   // `content` or `text`, if a string
inline constexpr std::uint32_t kToolCallBlock = 1;  // plus the tool call's index: its arguments
inline constexpr std::uint32_t kToolNameBlock = 0x4000'0000;  // plus the index: its name
inline constexpr std::uint32_t kRefusalBlock = 0x8000'0000;   // `refusal`
// Other places: kOtherBlock, kWholeBlock. Of responses: in a whole answer an item is a
// choice, and its parts have the blocks from kContentBlock on; in a stream the deltas of
// each text have a number as they come.

[[nodiscard]] const Dialect& openai() noexcept;

}  // namespace davy::dialects
