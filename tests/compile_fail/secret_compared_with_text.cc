// expect: no match for 'operator==' | invalid operands to binary expression
#include <string_view>

#include "base/secret.h"

bool same(const davy::Secret& a, std::string_view b) { return a == b; }
