// Takes credentials out of a text: each becomes `[redacted:<format>]`.
#pragma once

#include "core/redactor.h"
#include "mechanisms/text/credential_formats.h"

namespace davy::text {

// Texts above kMaxRedacted bytes are an error of kind limit.
inline constexpr std::size_t kMaxRedacted = std::size_t{64} << 20;

class CredentialRedactor final : public Redactor {
 public:
  [[nodiscard]] static Result<CredentialRedactor> create();
  [[nodiscard]] Result<std::string> redact(std::string_view text, Scratch& scratch) const override;

 private:
  explicit CredentialRedactor(CredentialFinder finder) : finder_(std::move(finder)) {}
  CredentialFinder finder_;
};

}  // namespace davy::text
