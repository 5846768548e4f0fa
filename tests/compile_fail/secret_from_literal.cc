// expect: could not convert | no viable conversion from returned value
// A literal stays in the binary; a secret comes from outside.
#include "base/secret.h"

davy::Secret made() { return "hunter2"; }
