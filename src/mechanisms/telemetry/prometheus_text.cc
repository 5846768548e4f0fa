#include "mechanisms/telemetry/prometheus_text.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace davy::telemetry {
namespace {

void append_escaped(std::string& out, std::string_view text, bool quotes_too) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes_too) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else if (std::fabs(value) < 1e15 && value == std::floor(value)) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<long long>(value));
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

std::string_view type_name(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter: return "counter";
    case MetricKind::gauge: return "gauge";
    case MetricKind::distribution: return "summary";
  }
  return "untyped";
}

}  // namespace

void append_family_head(std::string& out, std::string_view name, std::string_view help,
                        MetricKind kind) {
  out.append("# HELP ").append(name).append(" ");
  append_escaped(out, help, false);
  out.append("\n# TYPE ").append(name).append(" ").append(type_name(kind)).append("\n");
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::span<const Label> labels, double value) {
  out.append(name).append(suffix);
  char before = '{';
  for (const Label& label : labels) {
    out += before;
    out.append(label.name).append("=\"");
    append_escaped(out, label.value, true);
    out += '"';
    before = ',';
  }
  if (!labels.empty()) out += '}';
  out += ' ';
  append_number(out, value);
  out += '\n';
}

}  // namespace davy::telemetry
