// expect: no matching function for call to 'davy::Decision::Decision()' | no matching constructor for initialization of 'davy::Decision'
#include "core/decision.h"

bool allowed() {
  davy::Decision decision;
  return decision.allowed();
}
