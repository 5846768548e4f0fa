// `davy scan NAME TARGET`: one command for each scanner that needs no options of its own.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/command.h"
#include "core/scanner.h"

namespace davy::cli {

// Options: --fail-on, -o, --max-bytes, --timeout. The scanners must outlive the
// commands. A scanner with options of its own brings its own command: leave it out of the list.
[[nodiscard]] std::vector<std::unique_ptr<Command>> scan_commands(
    std::span<const std::unique_ptr<Scanner>> scanners);

}  // namespace davy::cli
