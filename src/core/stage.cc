#include "core/stage.h"

#include <utility>

#include "base/strings.h"

namespace davy {

std::string_view RequestHead::field(std::string_view name) const noexcept {
  for (const HeaderField& field : fields) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return {};
}

void StageOutput::redact(Finding finding, Edit edit) {
  items_.push_back({Effect::redact, std::move(finding), std::move(edit)});
}

void StageOutput::identify(Principal principal, const Experiment* experiment) {
  if (identified_) return;
  identified_ = true;
  principal_ = std::move(principal);
  experiment_ = experiment;
}

}  // namespace davy
