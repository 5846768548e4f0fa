#include "core/module.h"

namespace davy {

std::string_view name(Maturity maturity) noexcept {
  switch (maturity) {
    case Maturity::experimental: return "experimental";
    case Maturity::usable: return "usable";
    case Maturity::proven: return "proven";
  }
  return "experimental";
}

std::string_view name(Posture posture) noexcept {
  switch (posture) {
    case Posture::untrusted_input: return "untrusted_input";
    case Posture::trusted_only: return "trusted_only";
  }
  return "trusted_only";
}

}  // namespace davy
