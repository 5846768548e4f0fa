// Finds credentials in files: `davy scan secrets PATH`.
#pragma once

#include <memory>

#include "base/result.h"
#include "core/module.h"
#include "core/scanner.h"

namespace davy::secrets {

// Claims files and pieces of text; binary files are read too. Reads in windows: a file of
// any size costs about 1 MiB.
[[nodiscard]] Result<std::unique_ptr<Scanner>> make_scanner();

[[nodiscard]] ModuleInfo module_info() noexcept;

}  // namespace davy::secrets
