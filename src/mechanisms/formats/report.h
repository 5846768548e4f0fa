// Reports of scans, in the forms that people and other tools read.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/coverage.h"
#include "core/finding.h"

namespace davy::formats {

enum class Verdict : std::uint8_t { clean, findings, unreadable };
[[nodiscard]] std::string_view name(Verdict verdict) noexcept;

struct ScannedObject {
  std::string name;
  std::string kind;
  Verdict verdict = Verdict::clean;
};

struct Report {
  std::string scanner;  // "secrets"
  std::string target;   // as the person named it
  std::string tool_version;
  std::vector<Finding> findings;
  std::uint64_t findings_not_listed = 0;  // beyond the bound of the scan
  std::optional<Severity> worst_not_listed{};
  std::vector<ScannedObject> objects;
  Coverage coverage;
};

enum class ReportFormat : std::uint8_t { table, json, sarif, junit, markdown };
[[nodiscard]] std::optional<ReportFormat> report_format_from(std::string_view text) noexcept;

// The version that `davy` was built as.
[[nodiscard]] std::string_view tool_version() noexcept;

// DESIGN section 6: 1 when a finding is at or above `fail_on`; else 2 when something in
// scope could not be examined, or nothing was examined at all; else 0.
[[nodiscard]] int exit_status(const Report& report, Severity fail_on) noexcept;

// Writes the whole report. Names and messages may hold anything: what a terminal, XML, JSON
// or Markdown would take as its own is escaped. `fail_on` decides which findings are
// failures in JUnit. Output errors are left in the stream's state.
void write_report(std::ostream& out, ReportFormat format, const Report& report, Severity fail_on);

}  // namespace davy::formats
