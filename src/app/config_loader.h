// The configuration as it lies on disk: the main file, the team files that it includes,
// and the organisation's floors.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "core/settings.h"

namespace davy::app {

// Reads `file`, what its `include:` names, and `floor_file` if that exists. Every mistake
// of every file goes to `diagnostics`; null if there is an error among them.
//
// An include is a path relative to `file`; `*` may stand in its last part. Files are read
// in the order of their names; hidden ones are left out; at most 1,000. Each holds
// `owner:` and `experiments:` of that owner, and no two have the same owner: one file per
// team.
//
// `digest_input` covers the bytes of all files with their names as the main file writes
// them, so that it does not depend on where the folder lies.
[[nodiscard]] std::unique_ptr<LoadedConfig> load_config(
    const std::string& file, std::span<const std::unique_ptr<ConfigSection>> sections,
    const std::string& floor_file, Diagnostics& diagnostics);

}  // namespace davy::app
