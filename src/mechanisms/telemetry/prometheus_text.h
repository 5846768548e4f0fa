// Prometheus text format 0.0.4, line by line
// (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/metrics.h"

namespace davy::telemetry {

struct Label {
  std::string_view name;
  std::string_view value;
};

// The HELP and TYPE lines. A distribution is a `summary`.
void append_family_head(std::string& out, std::string_view name, std::string_view help,
                        MetricKind kind);

// `name` and `suffix` together, labels in the order given, and the value with as many
// digits as it takes to read the same number back; NaN, +Inf and -Inf by those words.
void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::span<const Label> labels, double value);

}  // namespace davy::telemetry
