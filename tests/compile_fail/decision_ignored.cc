// expect: nodiscard
#include "core/decision.h"

void run() { davy::Decision::allow(); }
