// Provider credentials: what a model's upstream wants to see. Added to the upstream
// request only, by the gateway, at the last moment.
#pragma once

#include <string>

#include "base/result.h"
#include "core/model.h"

namespace davy {

// Thread-safe; does not block.
class ProviderCredentials {
 public:
  virtual ~ProviderCredentials() = default;
  // Appends complete header lines ("Authorization: Bearer …\r\n") to an upstream head, or
  // nothing for a model without a credential. An error (variable unset, file gone) never
  // holds the credential. The caller wipes the buffer after use.
  [[nodiscard]] virtual Result<void> append_fields(const Model& model, std::string& head) const = 0;
};

}  // namespace davy
