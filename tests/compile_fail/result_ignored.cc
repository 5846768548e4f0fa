// expect: nodiscard
#include "base/result.h"

davy::Result<int> half(int number);

void run() { half(3); }
