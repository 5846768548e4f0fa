// davy practice: a deliberately naive model API to practise on.
#pragma once

#include <memory>

#include "core/command.h"

namespace davy::practice {

[[nodiscard]] std::unique_ptr<Command> practice_command();

}  // namespace davy::practice
