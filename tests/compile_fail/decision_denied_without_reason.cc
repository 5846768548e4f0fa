// expect: no matching function for call to | too few arguments to function
#include "core/decision.h"

davy::Decision refused() { return davy::Decision::deny(); }
