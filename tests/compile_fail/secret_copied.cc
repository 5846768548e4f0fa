// expect: use of deleted function | call to deleted constructor
#include "base/secret.h"

davy::Secret twice(const davy::Secret& secret) { return secret; }
