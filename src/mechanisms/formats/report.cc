#include "mechanisms/formats/report.h"

#include <algorithm>
#include <ostream>

#include "base/bytes.h"
#include "base/strings.h"
#include "core/command.h"
#include "mechanisms/formats/report_writers.h"

namespace davy::formats {

std::string_view name(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::clean: return "clean";
    case Verdict::findings: return "findings";
    case Verdict::unreadable: return "unreadable";
  }
  return "unreadable";
}

std::optional<ReportFormat> report_format_from(std::string_view text) noexcept {
  if (text == "table") return ReportFormat::table;
  if (text == "json") return ReportFormat::json;
  if (text == "sarif") return ReportFormat::sarif;
  if (text == "junit") return ReportFormat::junit;
  if (text == "markdown") return ReportFormat::markdown;
  return std::nullopt;
}

std::string_view tool_version() noexcept { return DAVY_VERSION; }

int exit_status(const Report& report, Severity fail_on) noexcept {
  const bool found = std::any_of(report.findings.begin(), report.findings.end(),
                                 [&](const Finding& each) { return each.severity >= fail_on; });
  if (found || (report.worst_not_listed && *report.worst_not_listed >= fail_on)) {
    return kExitFindings;
  }
  return report.coverage.any_fatal() || report.coverage.examined == 0 ? kExitTrouble : kExitClean;
}

void write_report(std::ostream& out, ReportFormat format, const Report& report, Severity fail_on) {
  switch (format) {
    case ReportFormat::table: write_table(out, report, fail_on); return;
    case ReportFormat::json: write_json(out, report, fail_on); return;
    case ReportFormat::sarif: write_sarif(out, report); return;
    case ReportFormat::junit: write_junit(out, report, fail_on); return;
    case ReportFormat::markdown: write_markdown(out, report, fail_on); return;
  }
}

Counts count(const Report& report) noexcept {
  Counts counts;
  for (const Finding& finding : report.findings) {
    ++counts.severity[static_cast<std::size_t>(finding.severity)];
  }
  for (const ScannedObject& object : report.objects) {
    switch (object.verdict) {
      case Verdict::clean: ++counts.clean; break;
      case Verdict::findings: ++counts.with_findings; break;
      case Verdict::unreadable: ++counts.unreadable; break;
    }
  }
  return counts;
}

std::string place_of(const Finding& finding) {
  const Location& location = finding.location;
  std::string place = printable(location.file, 4096);
  if (location.line > 0) place += ":" + std::to_string(location.line);
  if (location.line > 0 && location.column > 0) place += ":" + std::to_string(location.column);
  if (!location.pointer.empty()) place += " " + printable(location.pointer);
  return place;
}

std::string_view fix_of(const Finding& finding) noexcept {
  return finding.fix.empty() ? info(finding.rule).fix : std::string_view(finding.fix);
}

std::string as_utf8(std::string_view text) {
  return first_invalid_utf8(text) ? printable(text, 4096) : std::string(text);
}

std::string summary_line(const Report& report, Severity fail_on) {
  const Counts counts = count(report);
  std::string line = std::to_string(report.coverage.examined) + " examined, ";
  std::string severities;
  for (const Severity severity : kSeverities) {
    const std::uint64_t number = counts.severity[static_cast<std::size_t>(severity)];
    if (number == 0) continue;
    severities += (severities.empty() ? "" : ", ") + std::to_string(number) + " " +
                  std::string(davy::name(severity));
  }
  line += std::to_string(report.findings.size() + report.findings_not_listed) + " findings";
  if (!severities.empty()) line += " (" + severities + ")";
  if (report.findings_not_listed > 0) {
    line += ", " + std::to_string(report.findings_not_listed) + " of them not listed";
  }
  const std::uint64_t skipped = report.coverage.not_examined.size() + report.coverage.not_listed;
  if (skipped > 0) line += ", " + std::to_string(skipped) + " not examined";
  switch (exit_status(report, fail_on)) {
    case kExitFindings:
      return line + ": failed (at or above " + std::string(davy::name(fail_on)) + ")";
    case kExitTrouble:
      return line + (report.coverage.examined == 0 ? ": failed, as nothing was examined"
                                                   : ": failed, as not all could be examined");
    default: return line + ": passed";
  }
}

void write_table(std::ostream& out, const Report& report, Severity fail_on) {
  for (const Severity severity : kSeverities) {
    for (const Finding& finding : report.findings) {
      if (finding.severity != severity) continue;
      std::string label(davy::name(severity));
      label.resize(9, ' ');
      out << label << place_of(finding) << "\n"
          << "         " << printable(finding.message, 500) << " [" << davy::name(finding.rule)
          << "]\n";
      if (!finding.evidence.empty())
        out << "         seen: " << printable(finding.evidence) << "\n";
      out << "         fix: " << printable(fix_of(finding), 500) << "\n";
    }
  }
  if (!report.coverage.not_examined.empty()) {
    out << (report.findings.empty() ? "" : "\n") << "not examined:\n";
  }
  for (const NotExamined& entry : report.coverage.not_examined) {
    out << "  " << (entry.fatal ? "failed   " : "skipped  ") << printable(entry.what, 4096) << ": "
        << printable(entry.why) << "\n";
  }
  if (report.coverage.not_listed > 0) {
    out << "  and " << report.coverage.not_listed << " more\n";
  }
  out << printable(report.scanner) << " " << printable(report.target, 4096) << ": "
      << summary_line(report, fail_on) << "\n";
}

}  // namespace davy::formats
