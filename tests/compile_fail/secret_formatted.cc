// expect: Cannot format an argument | fallback_formatter<davy::Secret
#include <fmt/format.h>

#include <string>

#include "base/secret.h"

std::string text(const davy::Secret& secret) { return fmt::format("{}", secret); }
