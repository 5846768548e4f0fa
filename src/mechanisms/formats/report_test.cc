#include "mechanisms/formats/report.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/bytes.h"
#include "core/command.h"
#include "generated/rules.h"

namespace davy::formats {
namespace {

Finding finding(RuleId rule, Location location, std::string evidence) {
  Finding made = make_finding(rule, "something was seen", std::move(location));
  made.evidence = std::move(evidence);
  return made;
}

Report sample() {
  Report report;
  report.scanner = "secrets";
  report.target = "some dir";
  report.tool_version = "1.2.3";
  report.findings.push_back(finding(rules::kEnvironmentSecretsJwt, {"some dir/b.txt", 7, 3, "", {}},
                                    "eyJh… (80 characters)"));
  report.findings.push_back(finding(rules::kEnvironmentSecretsGithubToken,
                                    {"some dir/é|*.txt", 1, 1, "/a/b", {}},
                                    "ghp_… (40 characters)"));
  report.objects = {{"some dir/a.txt", "file", Verdict::clean},
                    {"some dir/b.txt", "file", Verdict::findings},
                    {"some dir/é|*.txt", "file", Verdict::findings}};
  report.coverage.examined = 3;
  report.coverage.examined_bytes = 4096;
  report.coverage.skip({"some dir/link", "symbolic link, not followed", false});
  report.coverage.skip({"some dir/locked", "permission denied", true}, 12);
  return report;
}

std::string written(ReportFormat format, const Report& report, Severity fail_on = Severity::high) {
  std::ostringstream out;
  write_report(out, format, report, fail_on);
  return out.str();
}

// DAVY_UPDATE_GOLDEN=1 writes the files anew; read the difference before you commit it. The
// digest of the catalogue changes with every rule and stands as DIGEST.
void expect_golden(const std::string& file, std::string text) {
  const std::string path = "src/mechanisms/formats/testdata/" + file;
  const std::string digest(catalogue_digest());
  if (const auto at = text.find(digest); at != std::string::npos) {
    text.replace(at, digest.size(), "DIGEST");
  }
  if (std::getenv("DAVY_UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream in(path, std::ios::binary);
  const std::string golden((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  EXPECT_EQ(text, golden) << path;
}

TEST(Report, EveryFormIsAsTheGoldenFileSays) {
  expect_golden("report.txt", written(ReportFormat::table, sample()));
  expect_golden("report.json", written(ReportFormat::json, sample()));
  expect_golden("report.sarif", written(ReportFormat::sarif, sample()));
  expect_golden("report.xml", written(ReportFormat::junit, sample()));
  expect_golden("report.md", written(ReportFormat::markdown, sample()));
}

TEST(Report, JsonHasTheFieldsOfTheContract) {
  const auto json = boost::json::parse(written(ReportFormat::json, sample()));
  const auto& first = json.at("findings").at(1);
  EXPECT_EQ(first.at("rule"), "environment.secrets.github_token");
  EXPECT_EQ(first.at("severity"), "critical");
  EXPECT_EQ(first.at("location").at("file"), "some dir/é|*.txt");
  EXPECT_EQ(first.at("location").at("line"), 1);
  EXPECT_EQ(first.at("location").at("pointer"), "/a/b");
  for (const char* key : {"title", "message", "evidence", "fix"})
    EXPECT_TRUE(first.at(key).is_string());
  EXPECT_FALSE(first.at("references").as_array().empty());
  EXPECT_EQ(json.at("coverage").at("examined"), 3);
  EXPECT_EQ(json.at("coverage").at("not_examined").at(1).at("fatal"), true);
  EXPECT_EQ(json.at("objects").at(0).at("verdict"), "clean");
  EXPECT_EQ(json.at("summary").at("severities").at("critical"), 1);
}

TEST(Report, SarifIsJsonWithOneRuleAFindingAndEncodedAddresses) {
  const auto json = boost::json::parse(written(ReportFormat::sarif, sample()));
  EXPECT_EQ(json.at("version"), "2.1.0");
  const auto& run = json.at("runs").at(0);
  EXPECT_EQ(run.at("tool").at("driver").at("rules").as_array().size(), 2U);
  const auto& result = run.at("results").at(1);
  EXPECT_EQ(result.at("ruleIndex"), 1);
  EXPECT_EQ(result.at("level"), "error");
  EXPECT_EQ(result.at("locations").at(0).at("physicalLocation").at("artifactLocation").at("uri"),
            "some%20dir/%C3%A9%7C%2A.txt");
  EXPECT_EQ(run.at("invocations").at(0).at("executionSuccessful"), false);
}

Report hostile() {
  Report report;
  report.scanner = "secrets";
  report.target = "t";
  report.tool_version = "1";
  const std::string name = "a\x1b[31m\n\x01|<b>&\"'`@x]]>www.x http://x\xFF\u202E.txt";
  report.findings.push_back(
      finding(rules::kEnvironmentSecretsGithubToken, {name, 1, 1, "", {}}, name));
  report.findings[0].message = name;
  report.objects.push_back({name, "file", Verdict::findings});
  report.coverage.examined = 1;
  report.coverage.skip({name, name, true});
  return report;
}

TEST(Report, NoFormLetsAFileNameSpeakToTheTerminal) {
  for (const ReportFormat format : {ReportFormat::table, ReportFormat::json, ReportFormat::sarif,
                                    ReportFormat::junit, ReportFormat::markdown}) {
    const std::string text = written(format, hostile());
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\x01'), std::string::npos);
    EXPECT_FALSE(first_invalid_utf8(text).has_value());
  }
  EXPECT_NO_THROW((void)boost::json::parse(written(ReportFormat::json, hostile())));
  EXPECT_NO_THROW((void)boost::json::parse(written(ReportFormat::sarif, hostile())));
}

TEST(Report, MarkdownAndXmlKeepTheirShape) {
  std::istringstream lines(written(ReportFormat::markdown, hostile()));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| ")) continue;
    std::size_t bars = 0;
    for (std::size_t i = 0; i < line.size(); ++i)
      bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    EXPECT_TRUE(bars == 6 || bars == 4) << line;
    EXPECT_EQ(line.find('<'), std::string::npos) << line;
    EXPECT_EQ(line.find("://"), std::string::npos) << line;
    EXPECT_EQ(line.find("www."), std::string::npos) << line;
  }
  const std::string xml = written(ReportFormat::junit, hostile());
  EXPECT_EQ(xml.find("]]>"), std::string::npos);
  EXPECT_EQ(xml.find("<b>"), std::string::npos);
}

TEST(ExitStatus, IsOneForAFindingAtOrAboveTheBar) {
  Report report = sample();
  EXPECT_EQ(exit_status(report, Severity::high), kExitFindings);  // 1 wins over 2
  EXPECT_EQ(exit_status(report, Severity::critical), kExitFindings);
  report.findings.pop_back();
  EXPECT_EQ(exit_status(report, Severity::medium), kExitFindings);
  EXPECT_EQ(exit_status(report, Severity::high), kExitTrouble);
}

TEST(ExitStatus, IsTwoOnlyForWhatWasInScope) {
  Report report;
  report.coverage.examined = 1;
  EXPECT_EQ(exit_status(report, Severity::info), kExitClean);
  report.coverage.skip({"x", "y", false});
  EXPECT_EQ(exit_status(report, Severity::info), kExitClean);
  report.coverage.skip({"x", "y", true});
  EXPECT_EQ(exit_status(report, Severity::info), kExitTrouble);
}

TEST(ExitStatus, NothingExaminedIsAFailure) {
  EXPECT_EQ(exit_status(Report{}, Severity::high), kExitTrouble);
  const std::string text = written(ReportFormat::junit, Report{});
  EXPECT_NE(text.find("nothing was examined"), std::string::npos);
}

}  // namespace
}  // namespace davy::formats
