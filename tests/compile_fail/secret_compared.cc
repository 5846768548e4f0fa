// expect: use of deleted function | selected deleted operator
#include "base/secret.h"

bool same(const davy::Secret& a, const davy::Secret& b) { return a == b; }
