#include "mechanisms/telemetry/metrics_registry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "mechanisms/telemetry/prometheus_text.h"

namespace davy::telemetry {
namespace {

MetricSeries series(Metrics& metrics, std::string name, MetricKind kind,
                    std::vector<std::string> labels = {},
                    std::vector<std::string_view> values = {}) {
  return metrics.series({std::move(name), "Help.", kind, std::move(labels)}, values);
}

std::size_t lines_with(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++count;
  }
  return count;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(MetricsRegistry, TheSameLabelsGiveTheSameSeries) {
  MetricsRegistry metrics;
  const auto a = series(metrics, "a_total", MetricKind::counter, {"model"}, {"chat"});
  const auto again = series(metrics, "a_total", MetricKind::counter, {"model"}, {"chat"});
  const auto other = series(metrics, "a_total", MetricKind::counter, {"model"}, {"fraud"});
  EXPECT_EQ(a.index, again.index);
  EXPECT_NE(a.index, other.index);
}

TEST(MetricsRegistry, RendersEachKindInAStableOrder) {
  MetricsRegistry metrics;
  metrics.add(series(metrics, "z_total", MetricKind::counter, {"model", "status"}, {"b", "200"}),
              2);
  metrics.add(series(metrics, "z_total", MetricKind::counter, {"model", "status"}, {"a", "200"}),
              1.5);
  metrics.set(series(metrics, "b_bytes", MetricKind::gauge), -7);
  const auto seconds = series(metrics, "a_seconds", MetricKind::distribution, {"model"}, {"a"});
  metrics.observe(seconds, 0);
  const std::string text = metrics.prometheus_text();
  EXPECT_EQ(text.substr(0, text.find("# HELP davy_metrics_refused_total")),
            "# HELP a_seconds Help.\n"
            "# TYPE a_seconds summary\n"
            "a_seconds{model=\"a\",quantile=\"0.5\"} 0\n"
            "a_seconds{model=\"a\",quantile=\"0.9\"} 0\n"
            "a_seconds{model=\"a\",quantile=\"0.99\"} 0\n"
            "a_seconds{model=\"a\",quantile=\"0.999\"} 0\n"
            "a_seconds_sum{model=\"a\"} 0\n"
            "a_seconds_count{model=\"a\"} 1\n"
            "# HELP b_bytes Help.\n"
            "# TYPE b_bytes gauge\n"
            "b_bytes -7\n"
            "# HELP z_total Help.\n"
            "# TYPE z_total counter\n"
            "z_total{model=\"a\",status=\"200\"} 1.5\n"
            "z_total{model=\"b\",status=\"200\"} 2\n");
}

TEST(MetricsRegistry, ADistributionWithoutNumbersHasNoQuantiles) {
  MetricsRegistry metrics;
  (void)series(metrics, "a_seconds", MetricKind::distribution);
  const std::string text = metrics.prometheus_text();
  EXPECT_TRUE(has(text, "a_seconds{quantile=\"0.5\"} NaN\n")) << text;
  EXPECT_TRUE(has(text, "a_seconds_count 0\n")) << text;
}

TEST(MetricsRegistry, AHostileLabelValueCannotAddALine) {
  MetricsRegistry metrics;
  metrics.add(
      series(metrics, "a_total", MetricKind::counter, {"model"}, {"x\"} 9\nforged_total 1\n\\"}),
      1);
  const std::string text = metrics.prometheus_text();
  EXPECT_FALSE(has(text, "\nforged_total")) << text;
  EXPECT_TRUE(has(text, "x\\\"} 9")) << text;
}

TEST(MetricsRegistry, WhatIsNotFiniteChangesNothingAndIsCounted) {
  MetricsRegistry metrics;
  const auto counter = series(metrics, "a_total", MetricKind::counter);
  const auto gauge = series(metrics, "b", MetricKind::gauge);
  const auto seconds = series(metrics, "c_seconds", MetricKind::distribution);
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  metrics.add(counter, kNaN);
  metrics.set(gauge, kInfinite);
  metrics.observe(seconds, kNaN);
  metrics.observe(seconds, -kInfinite);
  EXPECT_EQ(metrics.value(counter), 0);
  EXPECT_EQ(metrics.value(gauge), 0);
  EXPECT_EQ(metrics.distribution(seconds).count(), 0u);
  EXPECT_TRUE(
      has(metrics.prometheus_text(), "davy_metrics_refused_total{reason=\"not_finite\"} 4\n"));
}

TEST(MetricsRegistry, ACounterNeverGoesDown) {
  MetricsRegistry metrics;
  const auto counter = series(metrics, "a_total", MetricKind::counter);
  metrics.add(counter, 3);
  metrics.add(counter, -1);
  EXPECT_EQ(metrics.value(counter), 3);
  EXPECT_TRUE(has(metrics.prometheus_text(), "{reason=\"negative\"} 1\n"));
}

TEST(MetricsRegistry, AWriteOfTheWrongKindIsCountedAndNothingElse) {
  MetricsRegistry metrics;
  const auto counter = series(metrics, "a_total", MetricKind::counter);
  const auto seconds = series(metrics, "c_seconds", MetricKind::distribution);
  metrics.set(counter, 5);
  metrics.observe(counter, 5);
  metrics.add(seconds, 5);
  metrics.add(MetricSeries{4'000'000}, 1);
  EXPECT_EQ(metrics.value(counter), 0);
  EXPECT_EQ(metrics.distribution(seconds).count(), 0u);
  EXPECT_TRUE(has(metrics.prometheus_text(), "{reason=\"wrong_kind\"} 4\n"));
}

TEST(MetricsRegistry, AGaugeTakesStepsAndValues) {
  MetricsRegistry metrics;
  const auto gauge = series(metrics, "open", MetricKind::gauge);
  metrics.add(gauge, 5);
  metrics.add(gauge, -2);
  EXPECT_EQ(metrics.value(gauge), 3);
  metrics.set(gauge, 10);
  EXPECT_EQ(metrics.value(gauge), 10);
  metrics.add(gauge, 1);
  EXPECT_EQ(metrics.value(gauge), 11);
}

TEST(MetricsRegistry, PastTheLimitNewLabelValuesShareOneSeries) {
  MetricsRegistry metrics;
  std::string value;
  for (std::size_t i = 0; i < MetricsRegistry::kMaxSeries; ++i) {
    value = std::to_string(i);
    metrics.add(series(metrics, "a_total", MetricKind::counter, {"key"}, {value}), 1);
  }
  const auto known = series(metrics, "a_total", MetricKind::counter, {"key"}, {"77"});
  EXPECT_EQ(metrics.value(known), 1);
  const auto first = series(metrics, "a_total", MetricKind::counter, {"key"}, {"one more"});
  const auto second = series(metrics, "a_total", MetricKind::counter, {"key"}, {"two more"});
  EXPECT_EQ(first.index, second.index);
  EXPECT_NE(first.index, known.index);
  metrics.add(first, 1);
  metrics.add(second, 1);
  // Another family has its own.
  const auto apart = series(metrics, "b_total", MetricKind::counter, {"key"}, {"x"});
  EXPECT_NE(apart.index, first.index);

  const std::string text = metrics.prometheus_text();
  EXPECT_TRUE(has(text, "a_total{key=\"other\"} 2\n"));
  EXPECT_EQ(lines_with(text, "a_total{"), MetricsRegistry::kMaxSeries + 1);
}

TEST(PrometheusText, NumbersReadBackAsTheSameNumber) {
  for (const double value : {0.1, 1e300, -2.5e-9, 123456789.0, 1e15, 1.0 / 3, 4503599627370496.5}) {
    std::string out;
    append_sample(out, "x", "", {}, value);
    EXPECT_EQ(std::stod(out.substr(2)), value) << out;
  }
  std::string out;
  append_sample(out, "x", "", {}, std::numeric_limits<double>::infinity());
  EXPECT_EQ(out, "x +Inf\n");
}

TEST(PrometheusText, HelpStaysOnOneLine) {
  std::string out;
  append_family_head(out, "x", "a\\b\nc", MetricKind::gauge);
  EXPECT_EQ(out, "# HELP x a\\\\b\\nc\n# TYPE x gauge\n");
}

TEST(MetricsRegistry, MonitorsReadByDottedNames) {
  MetricsRegistry registry;
  const MetricFamily latency{"model_server_latency_seconds",
                             "h",
                             MetricKind::distribution,
                             {"model"},
                             "model_server.latency"};
  const MetricFamily requests{
      "davy_requests_total", "h", MetricKind::counter, {"model"}, "davy.requests"};
  const std::vector<std::string_view> chat{"chat"};
  const std::vector<std::string_view> other{"other"};
  const MetricSeries a = registry.series(latency, chat);
  for (int i = 1; i <= 100; ++i) registry.observe(a, i);
  registry.add(registry.series(requests, chat), 3);
  registry.add(registry.series(requests, other), 4);

  const auto p99 = registry.read("model_server.latency.p99");
  ASSERT_TRUE(p99 && p99->size() == 1);
  EXPECT_EQ(p99->front().tags.at("model"), "chat");
  EXPECT_NEAR(p99->front().value, 99, 0.01 * 99);
  EXPECT_EQ(registry.read("model_server.latency.count")->front().value, 100);
  EXPECT_EQ(registry.read("model_server.latency.sum")->front().value, 5050);
  EXPECT_EQ(registry.read("model_server.latency.avg")->front().value, 50.5);
  const auto counted = registry.read("davy.requests");
  ASSERT_TRUE(counted && counted->size() == 2);
  EXPECT_EQ(counted->front().value + counted->back().value, 7);
  for (const char* none : {"model_server.latency", "model_server.latency.p98", "davy.requests.p99",
                           "davy.request", "nothing", ""}) {
    EXPECT_FALSE(registry.read(none)) << none;
  }
}

}  // namespace
}  // namespace davy::telemetry
