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

const MetricFamily& requests_family() {
  static const MetricFamily family{"davy_requests_total",
                                   "Exchanges by model, experiment, decision and status.",
                                   MetricKind::counter,
                                   {"model", "experiment", "decision", "status"}};
  return family;
}
const MetricFamily& latency_family() {
  static const MetricFamily family{
      "model_server_latency_seconds",
      "Time from the first byte of a request to the end of its answer, by model and decision.",
      MetricKind::distribution,
      {"model", "decision"}};
  return family;
}
const MetricFamily& upstream_family() {
  static const MetricFamily family{"davy_upstream_seconds",
                                   "Time that the upstream took, by model.",
                                   MetricKind::distribution,
                                   {"model"}};
  return family;
}
const MetricFamily& not_examined_family() {
  static const MetricFamily family{"davy_bytes_not_examined_total",
                                   "Bytes that passed and no rule could read, by model.",
                                   MetricKind::counter,
                                   {"model"}};
  return family;
}
const MetricFamily& findings_family() {
  static const MetricFamily family{
      "davy_findings_total", "Findings by rule and mode.", MetricKind::counter, {"rule", "mode"}};
  return family;
}

}  // namespace

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
    if (info.model != nullptr && info.model->price) {
      const Price& price = *info.model->price;
      event.set(Field::cost_usd,
                (static_cast<double>(record.usage->prompt_tokens) * price.input_per_million +
                 static_cast<double>(record.usage->completion_tokens) * price.output_per_million) /
                    1e6);
    }
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

void SeriesCache::record(const ExchangeInfo& info, const ExchangeRecord& record,
                         const ExchangeRun& run, Now now) {
  // A name that the configuration lacks comes from the caller: it must not make series.
  const std::string_view model = info.model != nullptr ? std::string_view(info.model->name) : "";
  const std::string_view experiment =
      info.experiment != nullptr ? std::string_view(info.experiment->name) : "";
  Key key{model, experiment, record.decision, record.status};
  auto found = series_.find(key);
  if (found == series_.end()) {
    const std::string status = std::to_string(record.status);
    const std::string_view decision = name(record.decision);
    Series made;
    made.requests = metrics_.series(
        requests_family(), std::vector<std::string_view>{model, experiment, decision, status});
    made.latency =
        metrics_.series(latency_family(), std::vector<std::string_view>{model, decision});
    made.upstream = metrics_.series(upstream_family(), std::vector<std::string_view>{model});
    made.bytes_not_examined =
        metrics_.series(not_examined_family(), std::vector<std::string_view>{model});
    found = series_.emplace(std::move(key), made).first;
  }
  const Series& series = found->second;
  metrics_.add(series.requests, 1);
  metrics_.observe(series.latency,
                   std::chrono::duration<double>(now.steady - info.started.steady).count());
  if (record.upstream_start && record.upstream_end) {
    metrics_.observe(
        series.upstream,
        std::chrono::duration<double>(*record.upstream_end - *record.upstream_start).count());
  }
  if (record.bytes_not_examined != 0) {
    metrics_.add(series.bytes_not_examined, static_cast<double>(record.bytes_not_examined));
  }
  for (const Finding& finding : run.findings()) count(info, finding);
}

void SeriesCache::count(const ExchangeInfo& info, const Finding& finding) {
  const Mode mode = info.snapshot->modes.mode(finding.rule);
  const std::uint32_t slot = finding.rule.index * 4u + static_cast<std::uint32_t>(mode);
  auto known = findings_.find(slot);
  if (known == findings_.end()) {
    const std::vector<std::string_view> labels{name(finding.rule), name(mode)};
    known = findings_.emplace(slot, metrics_.series(findings_family(), labels)).first;
  }
  metrics_.add(known->second, 1);
}

}  // namespace davy::gateway
