// Redactors take out what must not be kept: evidence asks one before it stores text.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "core/scratch.h"

namespace davy {

// Immutable, thread-safe. Redacting twice gives the same as once. An error means that
// the text must not be kept at all.
class Redactor {
 public:
  virtual ~Redactor() = default;
  [[nodiscard]] virtual Result<std::string> redact(std::string_view text,
                                                   Scratch& scratch) const = 0;
};

}  // namespace davy
