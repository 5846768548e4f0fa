// davy serve
#pragma once

#include <memory>

#include "core/command.h"

namespace davy::app {

[[nodiscard]] std::unique_ptr<Command> serve_command();

}  // namespace davy::app
