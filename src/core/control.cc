#include "core/control.h"

namespace davy {

std::string_view name(SubjectKind kind) noexcept {
  switch (kind) {
    case SubjectKind::key: return "key";
    case SubjectKind::experiment: return "experiment";
    case SubjectKind::address: return "address";
    case SubjectKind::model: return "model";
  }
  return "key";
}

std::string_view name(Containment::Kind kind) noexcept {
  switch (kind) {
    case Containment::Kind::revoked: return "revoked";
    case Containment::Kind::blocked: return "blocked";
    case Containment::Kind::quarantined: return "quarantined";
  }
  return "blocked";
}

}  // namespace davy
