// Oracles that hold for each dialect; its fuzzers are one call each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mechanisms/dialects/dialect.h"

namespace davy::dialects {

// A splice of nothing gives the same bytes; after a random edit the same pointer holds the
// edited text, and every other value its old bytes; a rewrite changes what it names alone.
// The account alone is refused where the whole is, and says the same. A key in another
// spelling refuses the request, or changes nothing of how its texts are read; a string that
// is escaped otherwise is read as it was.
//
// Input: the first 8 bytes choose the edits, the rest is the body.
int fuzz_request(const Dialect& dialect, std::uint8_t operation, const std::uint8_t* data,
                 std::size_t size);

// A splice of nothing gives the same bytes; after an edit the answer reads as the edited
// text; the account alone is that of the whole.
//
// Input: two bytes choose the edit, the rest is the body.
int fuzz_answer(const Dialect& dialect, std::uint8_t operation, const std::uint8_t* data,
                std::size_t size);

// Any split of the bytes gives the same events, texts and offsets; nothing is lost; the text
// of a stream has no gap; what is passed on reads as the same text; a secret that is edited
// wherever it stands is nowhere in what is passed on; a cut after any event reads as a
// stream; and what is not counted holds no line end that only some clients know.
//
// Input: the first 8 bytes choose the splits, the rest is the stream.
int fuzz_stream(const Dialect& dialect, std::uint8_t operation, const std::uint8_t* data,
                std::size_t size);

}  // namespace davy::dialects
