// expect: compiles
// What the other files may not do, done as it should be. It proves that they fail for
// their own reason and not for a missing header or flag.
#include <iostream>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "core/decision.h"

davy::Result<int> half(int number) {
  if (number % 2 != 0) return davy::invalid_input("odd");
  return number / 2;
}

bool all(davy::Secret first, const davy::Secret& second) {
  const davy::Secret moved = std::move(first);
  std::cout << moved.size();
  const davy::Result<int> four = half(8);
  const davy::Decision decision = davy::Decision::allow();
  const std::string_view bytes = moved.expose();
  return four.ok() && decision.allowed() && davy::equal_constant_time(bytes, second.expose());
}
