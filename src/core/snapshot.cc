#include "core/snapshot.h"

namespace davy {

const Model* Snapshot::model(std::string_view name) const noexcept {
  for (const Model& model : settings.models) {
    if (model.name == name) return &model;
  }
  return nullptr;
}

const Experiment* Snapshot::experiment(std::string_view name) const noexcept {
  for (const Experiment& experiment : settings.experiments) {
    if (experiment.name == name) return &experiment;
  }
  return nullptr;
}

}  // namespace davy
