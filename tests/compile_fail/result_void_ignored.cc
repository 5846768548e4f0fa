// expect: nodiscard
#include "base/result.h"

davy::Result<void> save();

void run() { save(); }
