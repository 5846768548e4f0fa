#include "core/experiment.h"

#include <algorithm>

namespace davy {

std::string_view name(Lifecycle stage) noexcept {
  switch (stage) {
    case Lifecycle::sandbox: return "sandbox";
    case Lifecycle::staging: return "staging";
    case Lifecycle::production: return "production";
  }
  return "sandbox";
}

std::optional<Lifecycle> lifecycle_from(std::string_view text) noexcept {
  for (const Lifecycle stage : {Lifecycle::sandbox, Lifecycle::staging, Lifecycle::production}) {
    if (text == name(stage)) return stage;
  }
  return std::nullopt;
}

bool Experiment::expired(WallTime now) const noexcept {
  return expires && std::chrono::floor<std::chrono::days>(now) > *expires;
}

bool Experiment::may_use(std::string_view model) const noexcept {
  return std::find(models.begin(), models.end(), model) != models.end();
}

DenialDetail Experiment::detail() const noexcept {
  if (denial_detail) return *denial_detail;
  return stage == Lifecycle::production ? DenialDetail::minimal : DenialDetail::full;
}

}  // namespace davy
