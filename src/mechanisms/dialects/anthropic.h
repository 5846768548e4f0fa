// The Anthropic dialect: POST /v1/messages, whole and streamed, and its count_tokens.
//
// The upstream of such a model is given as Anthropic's own SDKs give it, without /v1.
//
// Provenance in a request, by the role of the message: system → system, user → user,
// assistant → assistant, another → field; `system` → system. Inside of it, whoever speaks:
// what stands below `input` of a tool use → tool_call in an assistant's message, else user;
// tool results → tool_result;
// documents, search results, quotations and descriptions of tools → document. The rest is
// field. Counted as not examined is what `container` names, which the API keeps. What only the API
// can read (signatures, encrypted content) is told by its place and by its letters, which are those
// of base64; anything else there is text.
//
// Whatever is edited in a thinking block that has a signature, the API refuses the block
// when it comes back: its signature vouches for the text. That is a refusal the caller
// sees, and never an edit that is lost.
//
// Streams of an answer: see the blocks below. Text and thinking are prose, the rest is
// structured. A streamed tool use is one text, JSON as the model writes it; in a whole
// answer each string below its `input` is one. Streams of a block end with it.
//
// An error is RFC 9457's and the API's own at once. Both have a member `type`; it says
// "error", as the API's clients want it. For RFC 9457 that is a relative reference which
// names no document; its clients have `status` and `title`.
#pragma once

#include <cstdint>

#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

// StreamKey::block of an answer: one of these plus the number of the content block.
inline constexpr std::uint32_t kAnthropicText = 0;
inline constexpr std::uint32_t kAnthropicThinking = 0x1000'0000;
inline constexpr std::uint32_t kAnthropicToolInput = 0x2000'0000;  // streamed, as JSON
inline constexpr std::uint32_t kAnthropicToolName = 0x3000'0000;
// Texts that come whole: kWholeBlock. What later events may go on with: kOtherBlock.

[[nodiscard]] const Dialect& anthropic() noexcept;

}  // namespace davy::dialects
