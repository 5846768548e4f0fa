// expect: cannot convert 'davy::Result<int>' to 'int' | no viable conversion from 'Result<int>' to 'int' | no viable conversion from 'davy::Result<int>' to 'int'
#include "base/result.h"

davy::Result<int> half(int number);

int quarter(int number) {
  int value = half(number);
  return value;
}
