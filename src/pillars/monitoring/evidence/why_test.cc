// The cases are data: testdata/NAME.jsonl is what the log holds, NAME.txt and NAME.json
// are what is told of it.
#include "pillars/monitoring/evidence/why.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/strings.h"

namespace davy::evidence {
namespace {

constexpr char kFolder[] = "src/pillars/monitoring/evidence/testdata/";

std::string content(const std::string& name) {
  auto text = read_file(kFolder + name, 1 << 20);
  EXPECT_TRUE(text.ok()) << name;
  return text ? *text : std::string();
}

std::vector<Event> events(const std::string& name) {
  std::vector<Event> out;
  const std::string text = content(name + ".jsonl");
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty()) continue;
    auto event = event_from_json(line);
    EXPECT_TRUE(event.ok()) << name;
    if (event) out.push_back(std::move(event).value());
  }
  EXPECT_FALSE(out.empty()) << name;
  return out;
}

class WhyCase : public ::testing::TestWithParam<const char*> {};

TEST_P(WhyCase, IsToldAsInTheExample) {
  const std::string name = GetParam();
  const std::vector<Event> rows = events(name);
  const std::string text = why_text(rows);
  const std::string json = why_json(rows) + "\n";
  // DAVY_UPDATE_GOLD=1 writes the examples anew, to be read before they are committed.
  if (std::getenv("DAVY_UPDATE_GOLD") != nullptr) {
    std::ofstream(kFolder + name + ".txt") << text;
    std::ofstream(kFolder + name + ".json") << json;
  }
  EXPECT_EQ(text, content(name + ".txt"));
  EXPECT_EQ(json, content(name + ".json"));
}

INSTANTIATE_TEST_SUITE_P(Testdata, WhyCase,
                         ::testing::Values("denied", "allowed_stream", "redacted", "begun",
                                           "failed_closed", "upstream_gone", "no_key",
                                           "hostile_values", "findings_only"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Why, NamesEverythingThatTheOperatorNeeds) {
  const std::string text = why_text(events("denied"));
  for (const char* part :
       {"denied with status 403", "2026-11-24T", "key 0123456789AB", "experiment support-bot",
        "model chat", "guardrails.sanitize.phrase", "severity high, enforced",
        "in stage guardrails.sanitize", "/messages/1/content, bytes 12 to 27", "text of the user",
        "Next step: Rephrase the prompt", "The upstream was not called", "only observed"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(Why, DecidingFindingIsTheFirstEnforcedOneOfTheRule) {
  const auto told = boost::json::parse(why_json(events("denied"))).as_object();
  const auto& findings = told.at("findings").as_array();
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_FALSE(findings[0].at("decided").as_bool());
  EXPECT_TRUE(findings[1].at("decided").as_bool());
  EXPECT_EQ(told.at("upstream_called"), false);
}

TEST(Why, NoRowsAtAllIsSaidToo) {
  EXPECT_NE(why_text({}), "");
  EXPECT_EQ(why_json({}), R"({"findings":[]})");
}

}  // namespace
}  // namespace davy::evidence
