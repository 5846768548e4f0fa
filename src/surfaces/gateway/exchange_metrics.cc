#include "surfaces/gateway/exchange_metrics.h"

#include <string>
#include <vector>

#include "core/snapshot.h"

namespace davy::gateway {
namespace {

using Values = std::vector<std::string_view>;

const MetricFamily kRequests{"davy_requests_total",
                             "Exchanges by model, experiment, route, decision and status.",
                             MetricKind::counter,
                             {"model", "experiment", "route", "decision", "status"},
                             "davy.requests"};
const MetricFamily kActive{"davy_exchanges_active",
                           "Exchanges under way.",
                           MetricKind::gauge,
                           {},
                           "davy.exchanges.active"};
const MetricFamily kConnections{"davy_connections_active",
                                "Connections of clients.",
                                MetricKind::gauge,
                                {},
                                "davy.connections.active"};
const MetricFamily kTurnedAway{"davy_connections_turned_away_total",
                               "Connections that were more than limits.connections or "
                               "limits.connections_per_client allow.",
                               MetricKind::counter,
                               {"reason"},
                               "davy.connections.turned_away"};
const MetricFamily kLatency{"model_server_latency_seconds",
                            "Time from a request's head to the end of its answer.",
                            MetricKind::distribution,
                            {"model", "experiment", "route", "decision"},
                            "model_server.latency"};
const MetricFamily kUpstream{"model_server_upstream_seconds",
                             "Time that the upstream took for its whole answer.",
                             MetricKind::distribution,
                             {"model"},
                             "model_server.upstream"};
const MetricFamily kFirstByte{"model_server_first_byte_seconds",
                              "Time from a request's head to the first byte of its stream.",
                              MetricKind::distribution,
                              {"model"},
                              "model_server.first_byte"};
const MetricFamily kTokens{"davy_tokens_total",
                           "Tokens as the upstreams counted them.",
                           MetricKind::counter,
                           {"model", "experiment", "direction"},
                           "davy.tokens"};
const MetricFamily kCost{"davy_cost_usd_total",
                         "What the tokens cost by the prices of the configuration.",
                         MetricKind::counter,
                         {"model", "experiment"},
                         "davy.cost_usd"};
const MetricFamily kBytes{"davy_bytes_total",
                          "Bytes of bodies.",
                          MetricKind::counter,
                          {"model", "direction"},
                          "davy.bytes"};
const MetricFamily kNotExamined{"davy_bytes_not_examined_total",
                                "Bytes that passed and no rule could read, by model.",
                                MetricKind::counter,
                                {"model"},
                                "davy.bytes_not_examined"};
const MetricFamily kFindings{"davy_findings_total",
                             "Findings by rule and mode.",
                             MetricKind::counter,
                             {"rule", "mode"},
                             "davy.findings"};
const MetricFamily kDenials{"davy_denials_total",
                            "Refused exchanges by the rule that refused; empty where a control "
                            "failed and the exchange was closed.",
                            MetricKind::counter,
                            {"rule", "stage", "experiment"},
                            "davy.denials"};

double seconds(SteadyTime from, SteadyTime to) noexcept {
  return std::chrono::duration<double>(to - from).count();
}

std::string_view model_name(const ExchangeInfo& info) noexcept {
  return info.model != nullptr ? std::string_view(info.model->name) : std::string_view();
}

std::string_view experiment_name(const ExchangeInfo& info) noexcept {
  return info.experiment != nullptr ? std::string_view(info.experiment->name) : std::string_view();
}

}  // namespace

SeriesCache::SeriesCache(Metrics& metrics)
    : metrics_(metrics),
      active_(metrics.series(kActive, {})),
      connected_(metrics.series(kConnections, {})),
      turned_away_{metrics.series(kTurnedAway, Values{"too_many_connections"}),
                   metrics.series(kTurnedAway, Values{"too_many_connections_of_client"})} {}

SeriesCache::Series SeriesCache::make(const ExchangeInfo& info, const ExchangeRecord& record) {
  const std::string_view model = model_name(info);
  const std::string_view experiment = experiment_name(info);
  const std::string_view decision = name(record.decision);
  const std::string status = std::to_string(record.status);
  const auto series = [this](const MetricFamily& family, const Values& values) {
    return metrics_.series(family, values);
  };
  Series made;
  made.requests = series(kRequests, {model, experiment, record.route, decision, status});
  made.latency = series(kLatency, {model, experiment, record.route, decision});
  made.upstream = series(kUpstream, {model});
  made.first_byte = series(kFirstByte, {model});
  made.tokens_in = series(kTokens, {model, experiment, "in"});
  made.tokens_out = series(kTokens, {model, experiment, "out"});
  made.cost = series(kCost, {model, experiment});
  made.bytes_in = series(kBytes, {model, "in"});
  made.bytes_out = series(kBytes, {model, "out"});
  made.bytes_not_examined = series(kNotExamined, {model});
  return made;
}

const SeriesCache::Series& SeriesCache::find(const ExchangeInfo& info,
                                             const ExchangeRecord& record) {
  if (info.snapshot->version != version_) {
    version_ = info.snapshot->version;
    series_.clear();
  }
  const Key key{info.model, info.experiment, record.route.data(), record.decision, record.status};
  const auto found = series_.find(key);
  if (found != series_.end()) return found->second;
  return series_.emplace(key, make(info, record)).first->second;
}

void SeriesCache::record(const ExchangeInfo& info, const ExchangeRecord& record,
                         const ExchangeRun& run, Now now) {
  const Series& series = find(info, record);
  metrics_.add(series.requests, 1);
  metrics_.observe(series.latency, seconds(info.started.steady, now.steady));
  if (record.upstream_start && record.upstream_end) {
    metrics_.observe(series.upstream, seconds(*record.upstream_start, *record.upstream_end));
  }
  if (info.stream && record.first_byte) {
    metrics_.observe(series.first_byte, seconds(info.started.steady, *record.first_byte));
  }
  const auto add = [this](MetricSeries to, std::uint64_t by) {
    if (by != 0) metrics_.add(to, static_cast<double>(by));
  };
  if (record.usage) {
    add(series.tokens_in, record.usage->prompt_tokens);
    add(series.tokens_out, record.usage->completion_tokens);
    if (const auto cost = cost_usd(info, record)) metrics_.add(series.cost, *cost);
  }
  add(series.bytes_in, record.bytes_in);
  add(series.bytes_out, record.bytes_out);
  add(series.bytes_not_examined, record.bytes_not_examined);
  if (record.decision == Decision::Kind::deny) count_denial(info, record);
  for (const Finding& finding : run.findings()) count(info, finding);
}

void SeriesCache::count_denial(const ExchangeInfo& info, const ExchangeRecord& record) {
  metrics_.add(metrics_.series(kDenials, Values{record.denied_by, record.stage_of_denial,
                                                experiment_name(info)}),
               1);
}

void SeriesCache::count(const ExchangeInfo& info, const Finding& finding) {
  const Mode mode = info.snapshot->modes.mode(finding.rule);
  const std::uint32_t slot = finding.rule.index * 4u + static_cast<std::uint32_t>(mode);
  auto known = findings_.find(slot);
  if (known == findings_.end()) {
    known =
        findings_.emplace(slot, metrics_.series(kFindings, Values{name(finding.rule), name(mode)}))
            .first;
  }
  metrics_.add(known->second, 1);
}

}  // namespace davy::gateway
