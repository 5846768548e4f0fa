#include "core/signals.h"

namespace davy {

void Signals::set(std::string_view name, double value) {
  for (auto& [known, number] : values_) {
    if (known == name) {
      number = value;
      return;
    }
  }
  values_.emplace_back(name, value);
}

std::optional<double> Signals::get(std::string_view name) const noexcept {
  for (const auto& [known, number] : values_) {
    if (known == name) return number;
  }
  return std::nullopt;
}

}  // namespace davy
