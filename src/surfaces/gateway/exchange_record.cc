#include "surfaces/gateway/exchange_record.h"

#include <algorithm>
#include <vector>

#include "core/snapshot.h"

namespace davy::gateway {
namespace {

// Whole microseconds: what is finer is noise, and reads badly.
double milliseconds(SteadyTime from, SteadyTime to) {
  constexpr double kPerMillisecond = 1000;
  return static_cast<double>(
             std::chrono::duration_cast<std::chrono::microseconds>(to - from).count()) /
         kPerMillisecond;
}

// The ids that fired, in order, each once, with commas between.
std::string rule_list(const std::vector<Finding>& findings, std::string_view denied_by) {
  std::vector<std::string_view> seen;
  const auto add = [&](std::string_view id) {
    if (std::find(seen.begin(), seen.end(), id) == seen.end()) seen.push_back(id);
  };
  if (!denied_by.empty()) add(denied_by);
  for (const Finding& finding : findings) add(name(finding.rule));
  std::string out;
  for (const std::string_view id : seen) {
    if (!out.empty()) out += ',';
    out += id;
  }
  return out;
}

}  // namespace

std::optional<double> cost_usd(const ExchangeInfo& info, const ExchangeRecord& record) noexcept {
  if (!record.usage || info.model == nullptr || !info.model->price) return std::nullopt;
  constexpr double kPriced = 1e6;  // tokens
  const Price& price = *info.model->price;
  return (static_cast<double>(record.usage->prompt_tokens) * price.input_per_million +
          static_cast<double>(record.usage->completion_tokens) * price.output_per_million) /
         kPriced;
}

void exchange_event(const ExchangeInfo& info, const ExchangeRecord& record, const ExchangeRun& run,
                    Now now, Event& event) {
  event.reset(Sourcetype::model_api_logs, info.started.wall);
  event.set(Field::request_id, info.request_id).set(Field::client_ip, info.client_ip);
  if (!record.user_agent.empty()) event.set(Field::user_agent, record.user_agent);
  if (!info.principal.key_id.empty()) event.set(Field::key_id, info.principal.key_id);
  if (!info.principal.experiment.empty()) event.set(Field::experiment, info.principal.experiment);
  if (!info.principal.team.empty()) event.set(Field::owner, info.principal.team);
  if (!record.model.empty()) event.set(Field::model, record.model);
  if (!record.dialect.empty()) event.set(Field::dialect, record.dialect);
  if (!record.route.empty()) event.set(Field::route, record.route);
  event.set(Field::method, record.method).set(Field::path, record.path);
  event.set(Field::status, std::int64_t{record.status});
  event.set(Field::decision, name(record.decision));
  if (std::string rules = rule_list(run.findings(), record.denied_by); !rules.empty()) {
    event.set(Field::rules, rules);
  }
  if (!record.stage_of_denial.empty()) event.set(Field::stage_of_denial, record.stage_of_denial);
  if (record.usage) {
    event.set(Field::tokens_in, static_cast<std::int64_t>(record.usage->prompt_tokens));
    event.set(Field::tokens_out, static_cast<std::int64_t>(record.usage->completion_tokens));
    if (const auto cost = cost_usd(info, record)) event.set(Field::cost_usd, *cost);
  }
  event.set(Field::bytes_in, static_cast<std::int64_t>(record.bytes_in));
  event.set(Field::bytes_out, static_cast<std::int64_t>(record.bytes_out));
  event.set(Field::bytes_not_examined, static_cast<std::int64_t>(record.bytes_not_examined));
  event.set(Field::latency_ms, milliseconds(info.started.steady, now.steady));
  if (record.upstream_start && record.upstream_end) {
    event.set(Field::upstream_ms, milliseconds(*record.upstream_start, *record.upstream_end));
  }
  if (record.first_byte) {
    event.set(Field::first_byte_ms, milliseconds(info.started.steady, *record.first_byte));
  }
  event.set(Field::stream, info.stream);
  if (!record.finish_reason.empty()) event.set(Field::finish_reason, record.finish_reason);
  event.set(Field::policy, info.snapshot->policy_digest);
  if (!record.error.empty()) event.set(Field::error, record.error);
}

Event finding_event(const ExchangeInfo& info, const Finding& finding, const Redactor& redactor,
                    Scratch& scratch, Now now) {
  Event event(Sourcetype::findings, now.wall);
  event.set(Field::request_id, info.request_id);
  if (!info.principal.key_id.empty()) event.set(Field::key_id, info.principal.key_id);
  if (!info.principal.experiment.empty()) event.set(Field::experiment, info.principal.experiment);
  if (info.model != nullptr) event.set(Field::model, info.model->name);
  event.set(Field::rule, name(finding.rule));
  event.set(Field::severity, name(finding.severity));
  event.set(Field::mode, name(info.snapshot->modes.mode(finding.rule)));
  event.set(Field::message, finding.message);
  event.set(Field::location, to_text(finding.location));
  event.set(Field::provenance, name(finding.provenance));
  event.set(Field::confidence, finding.confidence);
  if (!finding.evidence.empty() && info.snapshot->settings.content != ContentPolicy::none) {
    // What cannot be redacted is not kept.
    if (auto redacted = redactor.redact(finding.evidence, scratch)) {
      event.set(Field::evidence, *redacted);
    }
  }
  return event;
}

}  // namespace davy::gateway
