// The one list of what this binary has. A module that is not named here is not in it:
// nothing registers itself.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/command.h"
#include "core/config.h"
#include "core/module.h"
#include "core/scanner.h"
#include "mechanisms/dialects/dialect.h"

namespace davy::app {

[[nodiscard]] std::span<const ModuleInfo> modules();
[[nodiscard]] std::vector<std::unique_ptr<ConfigSection>> config_sections();
[[nodiscard]] Result<std::vector<std::unique_ptr<Scanner>>> scanners();
[[nodiscard]] std::span<const dialects::Dialect* const> dialects();
// The scanners must outlive the commands.
[[nodiscard]] std::vector<std::unique_ptr<Command>> commands(
    std::span<const std::unique_ptr<Scanner>> scanner_list);

}  // namespace davy::app
