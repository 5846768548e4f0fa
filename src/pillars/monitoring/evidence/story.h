// The events of one request, sorted out: what why_text and why_json tell.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/finding.h"
#include "core/rule.h"

namespace davy::evidence {

struct StoryFinding {
  const Event* row = nullptr;
  const RuleInfo* rule = nullptr;  // null: a rule that this version does not know
  std::optional<Location> location;
  bool decided = false;
};

// Pointers into the events that it was made from, and into the catalogue.
struct Story {
  const Event* exchange = nullptr;  // the end if there is one, else the begin; null: neither
  bool complete = false;
  bool denied = false;
  std::string_view rule_id;  // of the denial; may be empty
  const RuleInfo* rule = nullptr;
  std::string_view next_step;
  std::vector<StoryFinding> findings;
};

[[nodiscard]] Story tell(std::span<const Event> events);

}  // namespace davy::evidence
