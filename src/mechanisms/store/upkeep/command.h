// davy backup, davy restore, davy upgrade
#pragma once

#include <memory>
#include <vector>

#include "core/command.h"

namespace davy::store {

[[nodiscard]] std::vector<std::unique_ptr<Command>> upkeep_commands();

}  // namespace davy::store
