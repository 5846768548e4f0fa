// The one walker of all scanners: gives every regular file below a path, and says of
// everything else why it was not opened.
//
// It never follows a symbolic link below the path that was named, never opens a FIFO,
// device or socket, and never leaves a stated bound. What it opened is what it looked at:
// type and size are asked again of the open file. Order: names by their bytes, each
// folder's entries before the next folder's, the same on every run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "core/coverage.h"
#include "core/scanner.h"

namespace davy::formats {

struct WalkLimits {
  std::uint32_t depth = 64;  // folders below the path
  // Bytes that would have to be read: holes of sparse files do not count.
  std::uint64_t file_bytes = std::uint64_t{1} << 30;
  std::uint64_t total_bytes = std::uint64_t{1} << 40;
  std::uint64_t entries = 10'000'000;
  // Past it nothing more is opened.
  std::optional<SteadyTime> deadline{};
  // A limit that the caller asked for puts what lies beyond it out of scope; else it is a
  // failure (NotExamined::fatal). Running out of time is always a failure.
  bool size_is_scope = false;
};

struct WalkCallbacks {
  // An open regular file of kind "file", to be read with pread (artifact_reader.h). The
  // walker closes it.
  std::function<void(const Artifact& file)> file;
  std::function<void(NotExamined entry, std::uint64_t bytes)> skipped;
};

// Walks a folder, or gives the one file. The path itself may be a symbolic link (a person
// named it). An error only when the path cannot be opened or is neither file nor folder;
// all below it is reported through the callbacks.
[[nodiscard]] Result<void> walk(const std::string& path, const WalkLimits& limits,
                                const Clock& clock, const WalkCallbacks& callbacks);

}  // namespace davy::formats
