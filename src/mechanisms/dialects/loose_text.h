// Strings of JSON whose meaning no dialect knows: a row of a table, the arguments of a tool.
#pragma once

#include <string_view>

#include "core/segment.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// Prose: a string with white space, an escape or a character outside ASCII in it, so that a
// sentence is prose in every spelling; and any string that stands under a name which
// promises text ("text", "inputs", "prompt" and the like), also inside an array there.
// Every other string ("card_present", "2027-03-31") is structured.
[[nodiscard]] TextKind loose_kind(const json::Index& index, json::NodeId string);

// For bodies with tensors: an array of numbers alone is one value.
[[nodiscard]] json::Limits loose_limits() noexcept;

// The inside of a JSON string that must be an image, audio or a file as base64: a data URL,
// or 256 letters and more of nothing but base64, with capitals, small letters and digits. It
// may be escaped or broken into lines, and its white space may be anywhere, but not more than
// a sixteenth: a word is shorter than that. (Runs of DNA or protein letters have no digits,
// hexadecimal digests are shorter or of one case.) As text it says nothing, so it counts as
// not examined.
[[nodiscard]] bool is_blob(std::string_view raw) noexcept;

}  // namespace davy::dialects
