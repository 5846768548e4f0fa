// What every Metrics must do (core/metrics.h).
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "base/strings.h"
#include "core/contract/violations.h"
#include "core/metrics.h"

namespace davy {

// Makes one without series.
using MetricsFactory = std::function<std::unique_ptr<Metrics>()>;

namespace contract {

inline MetricFamily a_family(std::string name, MetricKind kind = MetricKind::counter) {
  return {std::move(name), "What it counts.", kind, {"who"}};
}

inline MetricSeries a_series(Metrics& metrics, const MetricFamily& family, std::string_view who) {
  const std::array<std::string_view, 1> values{who};
  return metrics.series(family, values);
}

// The number behind the sample that begins with `sample` ("name{who=\"a\"}").
inline std::optional<double> sampled(const Metrics& metrics, std::string_view sample) {
  const std::string text = metrics.prometheus_text();
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(sample) && line.size() > sample.size() && line[sample.size()] == ' ') {
      return std::stod(std::string(line.substr(sample.size() + 1)));
    }
  }
  return std::nullopt;
}

inline Violations what_was_written_is_in_the_text(const MetricsFactory& make) {
  Check check;
  const auto metrics = make();
  const MetricFamily counter = a_family("test_requests_total");
  const MetricSeries series = a_series(*metrics, counter, "a");
  metrics->add(series, 2);
  metrics->add(a_series(*metrics, counter, "a"), 0.5);
  metrics->add(a_series(*metrics, counter, "b"), 1);
  check.that(sampled(*metrics, "test_requests_total{who=\"a\"}") == 2.5, "a counter is wrong");
  check.that(sampled(*metrics, "test_requests_total{who=\"b\"}") == 1.0, "series are mixed up");
  const MetricSeries gauge = a_series(*metrics, a_family("test_open", MetricKind::gauge), "a");
  metrics->set(gauge, 7);
  metrics->add(gauge, -2);
  check.that(sampled(*metrics, "test_open{who=\"a\"}") == 5.0, "a gauge is wrong");
  const std::string text = metrics->prometheus_text();
  check.that(text.find("# HELP test_open What it counts.\n") != std::string::npos, "no help");
  check.that(text.find("# TYPE test_open gauge\n") != std::string::npos, "no type");
  check.that(text.find("# TYPE test_requests_total counter\n") != std::string::npos, "no type");
  check.that(text.ends_with('\n'), "the text does not end with a line end");
  return check.take();
}

inline Violations a_distribution_has_count_and_sum(const MetricsFactory& make) {
  Check check;
  const auto metrics = make();
  const MetricSeries series =
      a_series(*metrics, a_family("test_seconds", MetricKind::distribution), "a");
  for (const double value : {0.25, 0.5, 0.25}) metrics->observe(series, value);
  check.that(sampled(*metrics, "test_seconds_count{who=\"a\"}") == 3.0, "a count is wrong");
  check.that(sampled(*metrics, "test_seconds_sum{who=\"a\"}") == 1.0, "a sum is wrong");
  return check.take();
}

inline Violations a_label_value_cannot_forge_a_line(const MetricsFactory& make) {
  Check check;
  const auto metrics = make();
  metrics->add(a_series(*metrics, a_family("test_total"), "x\"} 1\nforged_total 7\n\\"), 1);
  const std::string text = metrics->prometheus_text();
  check.that(text.find("\nforged_total") == std::string::npos, "a label value made a line");
  check.that(text.find("who=\"x\"}") == std::string::npos, "a label value ended its quotes");
  return check.take();
}

inline Violations too_many_series_share_one(const MetricsFactory& make) {
  Check check;
  const auto metrics = make();
  const MetricFamily family = a_family("test_total");
  for (int i = 0; i < 10'050; ++i) {
    metrics->add(a_series(*metrics, family, "v" + std::to_string(i)), 1);
  }
  const auto other = sampled(*metrics, "test_total{who=\"other\"}");
  check.that(other.has_value() && *other >= 50, "there is no series \"other\" past the bound");
  check.that(sampled(*metrics, "test_total{who=\"v0\"}") == 1.0, "an early series was lost");
  return check.take();
}

inline Violations writes_of_many_threads_add_up(const MetricsFactory& make) {
  const auto metrics = make();
  const MetricFamily family = a_family("test_total");
  on_threads(4, [&](std::size_t) {
    const MetricSeries series = a_series(*metrics, family, "a");
    for (int i = 0; i < 1000; ++i) metrics->add(series, 1);
    (void)metrics->prometheus_text();
  });
  Check check;
  check.that(sampled(*metrics, "test_total{who=\"a\"}") == 4000.0, "writes were lost");
  return check.take();
}

}  // namespace contract

class MetricsContract : public ::testing::TestWithParam<MetricsFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(MetricsContract);

TEST_P(MetricsContract, WhatWasWrittenIsInTheText) {
  EXPECT_EQ(contract::lines(contract::what_was_written_is_in_the_text(GetParam())), "");
}
TEST_P(MetricsContract, ADistributionHasCountAndSum) {
  EXPECT_EQ(contract::lines(contract::a_distribution_has_count_and_sum(GetParam())), "");
}
TEST_P(MetricsContract, ALabelValueCannotForgeALine) {
  EXPECT_EQ(contract::lines(contract::a_label_value_cannot_forge_a_line(GetParam())), "");
}
TEST_P(MetricsContract, TooManySeriesShareOne) {
  EXPECT_EQ(contract::lines(contract::too_many_series_share_one(GetParam())), "");
}
TEST_P(MetricsContract, WritesOfManyThreadsAddUp) {
  EXPECT_EQ(contract::lines(contract::writes_of_many_threads_add_up(GetParam())), "");
}

}  // namespace davy
