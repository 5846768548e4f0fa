// expect: to non-scalar type | no viable conversion from 'const davy::Secret'
#include <string_view>

#include "base/secret.h"

std::size_t size(const davy::Secret& secret) {
  const std::string_view text = secret;
  return text.size();
}
