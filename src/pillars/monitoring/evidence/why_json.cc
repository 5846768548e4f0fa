#include <boost/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "pillars/monitoring/evidence/story.h"
#include "pillars/monitoring/evidence/why.h"

namespace davy::evidence {
namespace {

namespace json = boost::json;

// Copies a field under its own name, if the row has it.
void copy(const Event& row, Field field, json::object& out) {
  const auto value = row.find(field);
  if (!value) return;
  std::visit([&](const auto& held) { out[info(field).name] = held; }, *value);
}

json::object finding_json(const StoryFinding& finding) {
  const Event& row = *finding.row;
  json::object out;
  copy(row, Field::rule, out);
  if (finding.rule != nullptr) out["title"] = finding.rule->title;
  for (const Field field : {Field::severity, Field::mode, Field::message}) copy(row, field, out);
  out["decided"] = finding.decided;
  if (finding.location) {
    const Location& at = *finding.location;
    out["where"] = at.file;
    if (!at.pointer.empty()) out["pointer"] = at.pointer;
    if (!at.span.empty()) {
      out["begin"] = at.span.begin;
      out["end"] = at.span.end;
    }
  }
  for (const Field field : {Field::provenance, Field::evidence}) copy(row, field, out);
  if (finding.rule != nullptr) out["next_step"] = finding.rule->fix;
  return out;
}

}  // namespace

std::string why_json(std::span<const Event> events) {
  const Story story = tell(events);
  json::object out;
  if (story.exchange != nullptr) {
    const Event& e = *story.exchange;
    copy(e, Field::request_id, out);
    out["time"] = rfc3339(e.time());
    out["complete"] = story.complete;
    if (story.complete) {
      for (const Field field : {Field::decision, Field::status, Field::error}) copy(e, field, out);
    }
    for (const Field field :
         {Field::client_ip, Field::key_id, Field::experiment, Field::owner, Field::model,
          Field::dialect, Field::method, Field::path, Field::stream}) {
      copy(e, field, out);
    }
    if (story.denied) {
      const std::string_view stage = e.text(Field::stage_of_denial);
      if (!stage.empty()) out["stage"] = stage;
      if (!story.rule_id.empty()) out["rule"] = story.rule_id;
      if (!story.next_step.empty()) out["next_step"] = story.next_step;
    }
    if (story.complete) {
      out["upstream_called"] = e.find(Field::upstream_ms).has_value();
      for (const Field field :
           {Field::bytes_not_examined, Field::tokens_in, Field::tokens_out, Field::cost_usd,
            Field::latency_ms, Field::upstream_ms, Field::first_byte_ms, Field::finish_reason}) {
        copy(e, field, out);
      }
    }
    copy(e, Field::policy, out);
  } else if (!events.empty()) {
    copy(events.front(), Field::request_id, out);
    out["complete"] = false;
  }
  json::array findings;
  for (const StoryFinding& finding : story.findings) findings.push_back(finding_json(finding));
  out["findings"] = std::move(findings);
  return json::serialize(out);
}

}  // namespace davy::evidence
