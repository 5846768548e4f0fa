#include "pillars/monitoring/evidence/story.h"

namespace davy::evidence {
namespace {

const RuleInfo* known(std::string_view id) {
  const auto rule = find_rule(id);
  return rule ? &info(*rule) : nullptr;
}

}  // namespace

Story tell(std::span<const Event> events) {
  Story story;
  for (const Event& event : events) {
    if (event.sourcetype() == Sourcetype::model_api_logs) {
      const bool end = event.text(Field::action) != "begin";
      if (story.exchange == nullptr || end) story.exchange = &event;
      story.complete = story.complete || end;
    } else if (event.sourcetype() == Sourcetype::findings) {
      StoryFinding finding{&event, known(event.text(Field::rule)), std::nullopt, false};
      finding.location = location_from_text(event.text(Field::location));
      story.findings.push_back(finding);
    }
  }
  if (story.exchange == nullptr) return story;
  story.denied = story.complete && story.exchange->text(Field::decision) == "deny";
  if (!story.denied) return story;
  // The rule that decided stands first among them.
  const std::string_view rules = story.exchange->text(Field::rules);
  story.rule_id = rules.substr(0, rules.find(','));
  story.rule = known(story.rule_id);
  if (story.rule != nullptr) story.next_step = story.rule->fix;
  for (StoryFinding& finding : story.findings) {
    if (finding.row->text(Field::rule) == story.rule_id &&
        finding.row->text(Field::mode) == "enforce") {
      finding.decided = true;
      break;
    }
  }
  return story;
}

}  // namespace davy::evidence
