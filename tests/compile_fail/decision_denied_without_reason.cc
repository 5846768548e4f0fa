// expect: no matching function for call to 'davy::Decision::deny()' | no matching function for call to 'deny' | too few arguments to function
#include "core/decision.h"

davy::Decision refused() { return davy::Decision::deny(); }
