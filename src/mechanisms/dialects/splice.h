// Splicing edits of decoded text back into the JSON text that it came from.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

// Puts `replacement`, as it is, in place of the source bytes.
struct Splice {
  Span source;
  std::string replacement;
};

// An edit of one piece of text; the span is in the decoded text of that piece.
struct TextEdit {
  Span span;
  std::string_view replacement;  // decoded
};

// Appends the splices of `edits`, which are ordered and lie inside the text of the JSON
// string at `source` of `json`. Spans are widened to whole characters.
void add_text_splices(std::string_view json, Span source, std::span<const TextEdit> edits,
                      std::vector<Splice>& out);

// Error: internal, if two splices overlap.
[[nodiscard]] Result<std::string> splice(std::string_view json, std::vector<Splice> splices);

enum class Reach : bool {
  whole,  // each edit must lie in the pieces given, or the error is internal
  part,   // of an edit over several events only what lies here counts
};

// The answer text `json` with `edits`; the JSON string at sources[i] gave segments[i].
// Where a choice is edited, its echoes become null, or empty if they are lists.
[[nodiscard]] Result<std::string> edit_streams(std::string_view json,
                                               std::span<const StreamSegment> segments,
                                               std::span<const Span> sources,
                                               std::span<const StreamEvent::Echo> echoes,
                                               std::span<const StreamEdit> edits, Reach reach);

}  // namespace davy::dialects
