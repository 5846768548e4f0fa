#include "base/strings.h"
#include "core/finding.h"

namespace davy {

std::string to_text(const Location& location) {
  std::string out = location.file;
  if (!location.pointer.empty()) out += "#" + location.pointer;
  if (!location.span.empty()) {
    out += "@" + std::to_string(location.span.begin) + "-" + std::to_string(location.span.end);
  }
  return out;
}

std::optional<Location> location_from_text(std::string_view text) {
  Location out;
  // A pointer may hold any character, so the span is what follows the last '@'.
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto dash = text.find('-', at);
    if (dash == std::string_view::npos) return std::nullopt;
    const auto begin = to_number(text.substr(at + 1, dash - at - 1));
    const auto end = to_number(text.substr(dash + 1));
    if (!begin || !end || *begin > *end) return std::nullopt;
    out.span = {static_cast<std::size_t>(*begin), static_cast<std::size_t>(*end)};
    text = text.substr(0, at);
  }
  const auto hash = text.find('#');
  out.file = text.substr(0, hash);
  if (hash != std::string_view::npos) out.pointer = text.substr(hash + 1);
  if (out.file.empty()) return std::nullopt;
  return out;
}

}  // namespace davy
