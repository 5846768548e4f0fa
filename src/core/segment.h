// Segments: the pieces of text in an exchange that detectors judge.
//
// A dialect (mechanisms/dialects) cuts a body into segments, so that no detector
// knows a vendor and none judges raw JSON.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace davy {

// Who put the text there, which decides what it may ask for: an imperative is normal
// from a user and evidence in a document.
enum class Provenance : std::uint8_t {
  system,
  user,
  assistant,
  tool_call,
  tool_result,
  document,
  field,  // a value of a structured request, with no speaker
};
[[nodiscard]] std::string_view name(Provenance provenance) noexcept;

enum class TextKind : std::uint8_t {
  prose,
  code,
  structured,
  binary,  // an image, audio or a file: it has no text here and counts as not examined
};
[[nodiscard]] std::string_view name(TextKind kind) noexcept;

// Text of a request or of a whole answer. Views: they live as long as the dialect's
// document does.
struct Segment {
  std::string_view pointer;  // JSON pointer (RFC 6901) of the value, "/messages/1/content"
  Provenance provenance = Provenance::field;
  TextKind kind = TextKind::prose;
  std::string_view text;  // decoded UTF-8: no JSON escapes
  Span source;            // where the raw value stands in the body, bytes, without its quotes
};

// Which stream of an answer: a streamed answer interleaves several.
struct StreamKey {
  std::uint32_t choice = 0;  // OpenAI `choices[].index`
  std::uint32_t block = 0;   // content block or tool-call index within the choice
  // Of a model: assistant or tool_call. Of a tool server (MCP): mostly tool_result and
  // document, and whatever it asks the caller's model to read.
  Provenance provenance = Provenance::assistant;
  TextKind kind = TextKind::prose;

  bool operator==(const StreamKey&) const = default;
};

// The next piece of one stream, in order and without gaps. A whole answer comes as one
// piece a stream with `last` set, so a stage needs no second way.
//
// A stream that had its last piece is over; forget it then. Some answers end streams all
// the time and last for hours, and a later piece with the same key begins a new one.
struct StreamSegment {
  StreamKey key;
  std::uint64_t offset = 0;  // how many decoded bytes of this stream came before `text`
  std::string_view text;     // decoded; may be empty in the last piece
  bool last = false;
};

}  // namespace davy
