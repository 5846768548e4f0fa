// JSON (DESIGN section 6) and SARIF 2.1.0 (OASIS, 2020-03-27).
#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "mechanisms/formats/report_writers.h"

namespace davy::formats {
namespace {

namespace json = boost::json;

json::array references_of(const RuleInfo& rule) {
  json::array list;
  for (const Reference& reference : rule.references) {
    list.push_back(
        {{"framework", reference.framework}, {"edition", reference.edition}, {"id", reference.id}});
  }
  return list;
}

json::object finding_json(const Finding& finding) {
  const RuleInfo& rule = info(finding.rule);
  json::object location{{"file", as_utf8(finding.location.file)}};
  if (finding.location.line > 0) location["line"] = finding.location.line;
  if (finding.location.column > 0) location["column"] = finding.location.column;
  if (!finding.location.pointer.empty()) location["pointer"] = as_utf8(finding.location.pointer);
  return {{"rule", rule.id},
          {"severity", davy::name(finding.severity)},
          {"title", rule.title},
          {"message", as_utf8(finding.message)},
          {"location", std::move(location)},
          {"evidence", as_utf8(finding.evidence)},
          {"fix", as_utf8(fix_of(finding))},
          {"references", references_of(rule)}};
}

// A list with one element a line: a large report stays readable and is never held twice.
template <class List, class Make>
void write_list(std::ostream& out, const List& list, Make make) {
  out << "[";
  bool first = true;
  for (const auto& element : list) {
    out << (first ? "\n" : ",\n") << json::serialize(json::value(make(element)));
    first = false;
  }
  out << (first ? "]" : "\n]");
}

// RFC 3986: what is no unreserved character or "/" is percent-encoded.
std::string uri_of(std::string_view path) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15U];
    }
  }
  return out;
}

std::string_view sarif_level(Severity severity) {
  switch (severity) {
    case Severity::critical:
    case Severity::high: return "error";
    case Severity::medium: return "warning";
    case Severity::low:
    case Severity::info: return "note";
  }
  return "warning";
}

// What code-scanning services sort by: the middle of the CVSS v3.1 band of that name.
std::string_view security_severity(Severity severity) {
  switch (severity) {
    case Severity::critical: return "9.5";
    case Severity::high: return "8.0";
    case Severity::medium: return "5.5";
    case Severity::low: return "2.0";
    case Severity::info: return "0.0";
  }
  return "0.0";
}

json::object sarif_rule(RuleId id) {
  const RuleInfo& rule = info(id);
  json::array tags{"security"};
  for (const Reference& reference : rule.references) {
    std::string tag(reference.framework);
    tag.append(" ").append(reference.edition).append(" ").append(reference.id);
    tags.push_back(json::value(tag));
  }
  return {{"id", rule.id},
          {"shortDescription", {{"text", rule.title}}},
          {"fullDescription", {{"text", rule.why}}},
          {"help", {{"text", rule.fix}}},
          {"defaultConfiguration", {{"level", sarif_level(rule.severity)}}},
          {"properties",
           {{"security-severity", security_severity(rule.severity)}, {"tags", std::move(tags)}}}};
}

json::object sarif_result(const Finding& finding, std::size_t rule_index) {
  const Location& at = finding.location;
  json::object physical{{"artifactLocation", {{"uri", uri_of(at.file)}}}};
  if (at.line > 0) {
    json::object region{{"startLine", at.line}};
    if (at.column > 0) region["startColumn"] = at.column;
    physical["region"] = std::move(region);
  }
  json::object location{{"physicalLocation", std::move(physical)}};
  if (!at.pointer.empty()) {
    location["logicalLocations"] =
        json::array{{{"fullyQualifiedName", as_utf8(at.pointer)}, {"kind", "member"}}};
  }
  return {{"ruleId", davy::name(finding.rule)},
          {"ruleIndex", rule_index},
          {"level", sarif_level(finding.severity)},
          {"message", {{"text", as_utf8(finding.message)}}},
          {"locations", json::array{std::move(location)}},
          {"properties",
           {{"severity", davy::name(finding.severity)}, {"evidence", as_utf8(finding.evidence)}}}};
}

}  // namespace

void write_json(std::ostream& out, const Report& report, Severity fail_on) {
  const Counts counts = count(report);
  json::object severities;
  for (const Severity severity : kSeverities) {
    severities[davy::name(severity)] = counts.severity[static_cast<std::size_t>(severity)];
  }
  out << "{\"findings\":";
  write_list(out, report.findings, finding_json);
  out << ",\n\"coverage\":{\"examined\":" << report.coverage.examined
      << ",\"examined_bytes\":" << report.coverage.examined_bytes << ",\"not_examined\":";
  write_list(out, report.coverage.not_examined, [](const NotExamined& entry) {
    return json::object{
        {"what", as_utf8(entry.what)}, {"why", as_utf8(entry.why)}, {"fatal", entry.fatal}};
  });
  out << ",\"not_examined_bytes\":" << report.coverage.not_examined_bytes
      << ",\"not_listed\":" << report.coverage.not_listed << "},\n\"objects\":";
  write_list(out, report.objects, [](const ScannedObject& object) {
    return json::object{{"name", as_utf8(object.name)},
                        {"kind", as_utf8(object.kind)},
                        {"verdict", name(object.verdict)}};
  });
  const json::object summary{{"scanner", as_utf8(report.scanner)},
                             {"target", as_utf8(report.target)},
                             {"tool_version", report.tool_version},
                             {"rules_digest", catalogue_digest()},
                             {"findings", report.findings.size() + report.findings_not_listed},
                             {"findings_not_listed", report.findings_not_listed},
                             {"severities", std::move(severities)},
                             {"objects",
                              {{"clean", counts.clean},
                               {"findings", counts.with_findings},
                               {"unreadable", counts.unreadable}}},
                             {"fail_on", davy::name(fail_on)},
                             {"exit_status", exit_status(report, fail_on)}};
  out << ",\n\"summary\":" << json::serialize(summary) << "}\n";
}

void write_sarif(std::ostream& out, const Report& report) {
  std::map<std::uint16_t, std::size_t> positions;
  std::vector<RuleId> rules;
  for (const Finding& finding : report.findings) {
    if (positions.emplace(finding.rule.index, rules.size()).second) rules.push_back(finding.rule);
  }
  json::array notes;
  for (const NotExamined& entry : report.coverage.not_examined) {
    notes.push_back(
        {{"level", entry.fatal ? "error" : "note"},
         {"message", {{"text", "not examined: " + as_utf8(entry.why)}}},
         {"locations", json::array{{{"physicalLocation",
                                     {{"artifactLocation", {{"uri", uri_of(entry.what)}}}}}}}}});
  }
  const bool whole = !report.coverage.any_fatal() && report.coverage.examined > 0;
  out << "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
         "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"davy\",\"semanticVersion\":"
      << json::serialize(json::value(report.tool_version)) << ",\"rules\":";
  write_list(out, rules, sarif_rule);
  out << "}},\"columnKind\":\"unicodeCodePoints\",\"results\":";
  write_list(out, report.findings, [&](const Finding& finding) {
    return sarif_result(finding, positions[finding.rule.index]);
  });
  const json::object invocation{{"executionSuccessful", whole},
                                {"toolExecutionNotifications", std::move(notes)}};
  out << ",\n\"invocations\":[" << json::serialize(invocation) << "]}]}\n";
}

}  // namespace davy::formats
