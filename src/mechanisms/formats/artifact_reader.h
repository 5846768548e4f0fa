// Reads an artifact in windows that overlap, so that a file of any size costs a fixed
// amount of memory and nothing that crosses a border is missed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "core/scanner.h"

namespace davy::formats {

struct Window {
  std::string_view bytes;
  std::uint64_t offset = 0;  // of bytes[0] in the artifact
  // The part that belongs to this window. The owned parts of all windows cover every byte
  // that is not in a hole once, in order; around it stand up to `behind` and `ahead` bytes
  // of context, fewer only at a hole and at either end of the artifact.
  Span owned;
};

struct WindowSizes {
  std::size_t owned = std::size_t{1} << 20;
  std::size_t behind = 0;
  std::size_t ahead = 0;
};

// Calls `use` for each window; its error ends the reading. Of an open file, what it held
// when the reading began is read; holes of a sparse file are left out (they hold zeros). A
// file that became shorter is an error of kind unavailable. Gives the bytes read.
[[nodiscard]] Result<std::uint64_t> read_windows(
    const Artifact& artifact, const WindowSizes& sizes,
    const std::function<Result<void>(const Window&)>& use);

}  // namespace davy::formats
