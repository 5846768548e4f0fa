// JUnit XML (as Jenkins and GitLab read it) and Markdown (GitHub flavour).
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/strings.h"
#include "mechanisms/formats/report_writers.h"

namespace davy::formats {
namespace {

// XML 1.0 section 2.2: most control characters may not stand in it even as references; they
// become U+FFFD, and so do ill-formed bytes, U+FFFE and U+FFFF.
std::string xml(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\t': out += "&#9;"; break;
      case '\n': out += "&#10;"; break;
      case '\r': out += "&#13;"; break;
      default: append_utf8(out, c < 0x20 || c == 0xFFFE || c == 0xFFFF ? U'\uFFFD' : c);
    }
  }
  return out;
}

// Text for a table cell: what Markdown or HTML would take as its own is escaped, no address
// becomes a link, no name notifies a person, and the text stays on one line.
std::string cell(std::string_view text) {
  const std::string line = printable(text, 4096);
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const std::string_view rest = std::string_view(line).substr(i);
    if (std::string_view("\\`*_[]|~!").find(c) != std::string_view::npos) {
      out += '\\';
      out += c;
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '@') {
      out += "&#64;";
    } else if (rest.starts_with("://")) {
      out += "&#58;";
    } else if (c == '.' && i >= 3 && equal_ignoring_case(line.substr(i - 3, 3), "www")) {
      out += "&#46;";
    } else {
      out += c;
    }
  }
  return out;
}

struct Case {
  std::vector<const Finding*> findings;
  std::string not_examined;  // why, if it failed
};

}  // namespace

void write_junit(std::ostream& out, const Report& report, Severity fail_on) {
  std::map<std::string, Case> cases;
  for (const ScannedObject& object : report.objects) cases[object.name];
  for (const Finding& finding : report.findings) {
    cases[finding.location.file].findings.push_back(&finding);
  }
  std::vector<const NotExamined*> skipped;
  for (const NotExamined& entry : report.coverage.not_examined) {
    if (entry.fatal) {
      cases[entry.what].not_examined = entry.why;
    } else {
      skipped.push_back(&entry);
    }
  }
  const auto fails = [&](const Finding& finding) { return finding.severity >= fail_on; };
  std::size_t failures = 0;
  std::size_t errors = 0;
  for (const auto& [object, one] : cases) {
    for (const Finding* finding : one.findings) failures += fails(*finding) ? 1 : 0;
    errors += one.not_examined.empty() ? 0 : 1;
  }
  const bool nothing = report.coverage.examined == 0;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"davy scan "
      << xml(report.scanner) << "\" tests=\"" << cases.size() + skipped.size() + (nothing ? 1 : 0)
      << "\" failures=\"" << failures << "\" errors=\"" << errors + (nothing ? 1 : 0)
      << "\" skipped=\"" << skipped.size() << "\">\n";
  const auto open = [&](std::string_view object) -> std::ostream& {
    return out << "<testcase classname=\"" << xml(report.scanner) << "\" name=\"" << xml(object)
               << "\">";
  };
  for (const auto& [object, one] : cases) {
    open(object);
    for (const Finding* finding : one.findings) {
      const std::string text = place_of(*finding) + ": " + finding->message;
      if (fails(*finding)) {
        out << "\n<failure type=\"" << davy::name(finding->rule) << "\" message=\"" << xml(text)
            << "\">" << xml(fix_of(*finding)) << "</failure>";
      } else {
        out << "\n<system-out>" << xml(davy::name(finding->severity)) << " " << xml(text)
            << "</system-out>";
      }
    }
    if (!one.not_examined.empty()) {
      out << "\n<error type=\"not_examined\" message=\"" << xml(one.not_examined) << "\"/>";
    }
    out << "</testcase>\n";
  }
  for (const NotExamined* entry : skipped) {
    open(entry->what) << "<skipped message=\"" << xml(entry->why) << "\"/></testcase>\n";
  }
  if (nothing) {
    open(report.target) << "<error type=\"not_examined\" message=\"nothing was examined\"/>"
                           "</testcase>\n";
  }
  out << "</testsuite>\n</testsuites>\n";
}

void write_markdown(std::ostream& out, const Report& report, Severity fail_on) {
  out << "# davy scan " << cell(report.scanner) << " " << cell(report.target) << "\n\n"
      << cell(summary_line(report, fail_on)) << "\n";
  if (!report.findings.empty()) {
    out << "\n| severity | where | what | rule | fix |\n|---|---|---|---|---|\n";
  }
  for (const Severity severity : kSeverities) {
    for (const Finding& finding : report.findings) {
      if (finding.severity != severity) continue;
      out << "| " << davy::name(severity) << " | " << cell(place_of(finding)) << " | "
          << cell(finding.message)
          << (finding.evidence.empty() ? "" : " (" + cell(finding.evidence) + ")") << " | "
          << cell(davy::name(finding.rule)) << " | " << cell(fix_of(finding)) << " |\n";
    }
  }
  if (report.coverage.not_examined.empty()) return;
  out << "\n## Not examined\n\n| what | why | failure |\n|---|---|---|\n";
  for (const NotExamined& entry : report.coverage.not_examined) {
    out << "| " << cell(entry.what) << " | " << cell(entry.why) << " | "
        << (entry.fatal ? "yes" : "no") << " |\n";
  }
  if (report.coverage.not_listed > 0) {
    out << "\nand " << report.coverage.not_listed << " more\n";
  }
}

}  // namespace davy::formats
