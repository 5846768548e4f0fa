// expect: no matching function for call to 'davy::Decision::Decision()' | no matching constructor
#include "core/decision.h"

bool allowed() {
  davy::Decision decision;
  return decision.allowed();
}
