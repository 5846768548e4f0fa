// Provider credentials: what a model's upstream wants to see. Added to the upstream
// request only, by the gateway, at the last moment.
#pragma once

#include <string>

#include "base/result.h"
#include "core/model.h"

namespace davy {

// Thread-safe; does not block but where said.
class ProviderCredentials {
 public:
  virtual ~ProviderCredentials() = default;
  // Appends complete header lines ("Authorization: Bearer …\r\n") to a head for that upstream
  // of the model, or nothing for one without a credential. An error (variable unset, file
  // gone) never holds the credential. The caller wipes the buffer after use.
  [[nodiscard]] virtual Result<void> append_fields(const Model& model, const Upstream& upstream,
                                                   std::string& head) const = 0;
  // Reads files that hold a credential again, since tokens rotate. What cannot be read stays
  // as it was, and the log says so. Waits for the disk: not for a loop,
  // and for one thread at a time.
  virtual void refresh() const = 0;
};

}  // namespace davy
