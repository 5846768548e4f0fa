// expect: is private within this context | calling a private constructor
#include "core/decision.h"

davy::Decision made() { return davy::Decision(davy::Decision::Kind::allow, {}); }
