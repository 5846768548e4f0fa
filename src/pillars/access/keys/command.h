// davy key create | list | revoke
#pragma once

#include <memory>
#include <vector>

#include "core/command.h"

namespace davy::access {

[[nodiscard]] std::vector<std::unique_ptr<Command>> key_commands();

}  // namespace davy::access
