// The seam for a deep model that judges what rules find uncertain.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/segment.h"

namespace davy {

struct ModelQuestion {
  std::string_view purpose;  // the rule that asks, "guardrails.injection.override"
  std::span<const Segment> segments;
  std::chrono::milliseconds deadline{200};  // > 0
};

struct ModelOpinion {
  double score = 0;   // [0, 1], higher = more surely what the purpose names
  std::string model;  // which model and version said so, for the event
};

// Thread-safe. May block up to the deadline, so the runner calls it in the pool only.
// `unavailable` when no answer came in time: the asking rule's mode decides what follows.
class ModelCall {
 public:
  virtual ~ModelCall() = default;
  [[nodiscard]] virtual Result<ModelOpinion> judge(const ModelQuestion& question) = 0;
};

}  // namespace davy
