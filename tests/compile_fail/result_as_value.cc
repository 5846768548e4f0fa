// expect: cannot convert 'davy::Result<int>' | no viable conversion from
#include "base/result.h"

davy::Result<int> half(int number);

int quarter(int number) {
  int value = half(number);
  return value;
}
