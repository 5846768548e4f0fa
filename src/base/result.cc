#include "base/result.h"

namespace davy {

std::string_view name(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::invalid_input: return "invalid input";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::limit: return "limit";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

std::string Place::text() const {
  std::string out = file;
  if (line != 0) {
    out += (out.empty() ? "line " : ":") + std::to_string(line);
    if (column != 0) out += ":" + std::to_string(column);
  }
  return out;
}

std::string Error::text() const {
  std::string out = place.text();
  if (!out.empty()) out += ": ";
  out += message;
  if (!hint.empty()) out += " (" + hint + ")";
  return out;
}

Error invalid_input(std::string message, Place place, std::string hint) {
  return Error{ErrorKind::invalid_input, std::move(message), std::move(place), std::move(hint)};
}
Error unavailable(std::string message, Place place, std::string hint) {
  return Error{ErrorKind::unavailable, std::move(message), std::move(place), std::move(hint)};
}
Error limit_reached(std::string message, Place place, std::string hint) {
  return Error{ErrorKind::limit, std::move(message), std::move(place), std::move(hint)};
}
Error internal_error(std::string message, Place place, std::string hint) {
  return Error{ErrorKind::internal, std::move(message), std::move(place), std::move(hint)};
}

}  // namespace davy
