#include "core/segment.h"

namespace davy {

std::string_view name(Provenance provenance) noexcept {
  switch (provenance) {
    case Provenance::system: return "system";
    case Provenance::user: return "user";
    case Provenance::assistant: return "assistant";
    case Provenance::tool_call: return "tool_call";
    case Provenance::tool_result: return "tool_result";
    case Provenance::document: return "document";
    case Provenance::field: return "field";
  }
  return "field";
}

std::string_view name(TextKind kind) noexcept {
  switch (kind) {
    case TextKind::prose: return "prose";
    case TextKind::code: return "code";
    case TextKind::structured: return "structured";
    case TextKind::binary: return "binary";
  }
  return "binary";
}

}  // namespace davy
