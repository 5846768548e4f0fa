// davy why REQUEST_ID
#pragma once

#include <memory>

#include "core/command.h"

namespace davy::evidence {

[[nodiscard]] std::unique_ptr<Command> why_command();

}  // namespace davy::evidence
