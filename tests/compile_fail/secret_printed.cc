// expect: no match for 'operator<<' | invalid operands to binary expression
#include <iostream>

#include "base/secret.h"

void print(const davy::Secret& secret) { std::cout << secret; }
