// Runs testdata/*.case (testdata/README.md tells the format), each whole, byte by byte
// and cut at every place.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/strings.h"
#include "mechanisms/net/http1/reader_for_tests.h"

namespace davy::http1 {
namespace {

using for_tests::End;
using for_tests::Kind;
using for_tests::Reading;

constexpr const char* kFolder = "src/mechanisms/net/http1/testdata";

struct Case {
  std::string name;
  Kind kind = Kind::request;
  Limits limits;
  std::string input;
  std::size_t marked = std::string::npos;
  bool ended = false;
  std::vector<std::string> expected;  // the lines `accepted`, `payload` and the last
};

std::string unescape(std::string_view text, std::size_t& marked, std::size_t base) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (const char c = text[++i]) {
      case 'r': out += '\r'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case '!': marked = base + out.size(); break;
      case 'x':
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      default: out += c;
    }
  }
  return out;
}

std::size_t number_after(std::string_view text, std::string_view name, std::size_t otherwise) {
  for (const std::string_view part : split(text, ' ')) {
    if (part.starts_with(name)) return to_number(part.substr(name.size())).value();
  }
  return otherwise;
}

std::vector<Case> load(const std::string& path) {
  std::vector<Case> cases;
  const std::string text = read_file(path, 1 << 20).value();
  for (const std::string_view line : split(text, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      cases.emplace_back().name = line;
      continue;
    }
    Case& c = cases.back();
    if (line == "answer") {
      c.kind = Kind::answer;
    } else if (line == "answer_to_head") {
      c.kind = Kind::answer_to_head;
    } else if (line == "ended") {
      c.ended = true;
    } else if (line.starts_with("limits ")) {
      c.limits.head_bytes = number_after(line, "head=", c.limits.head_bytes);
      c.limits.target_bytes = number_after(line, "target=", c.limits.target_bytes);
      c.limits.fields = number_after(line, "fields=", c.limits.fields);
      c.limits.body_bytes = number_after(line, "body=", c.limits.body_bytes);
      c.limits.extension_bytes = number_after(line, "extension=", c.limits.extension_bytes);
      c.limits.trailer_bytes = number_after(line, "trailer=", c.limits.trailer_bytes);
    } else if (line.starts_with("> ")) {
      c.input += unescape(line.substr(2), c.marked, c.input.size());
    } else if (line.starts_with("payload")) {
      std::size_t none = 0;
      c.expected.push_back("payload " +
                           unescape(line.substr(std::min<std::size_t>(8, line.size())), none, 0));
    } else {
      c.expected.emplace_back(line);
    }
  }
  return cases;
}

std::vector<std::string> lines_of(const Reading& reading) {
  constexpr std::string_view kBodies[] = {"none", "length", "chunked", "until_close"};
  std::vector<std::string> lines;
  for (const for_tests::Message& m : reading.messages) {
    std::string& line = lines.emplace_back("accepted ");
    line += kBodies[static_cast<std::size_t>(m.framing.body)];
    if (m.framing.keep_alive) line += " keep";
    if (m.framing.expect_continue) line += " continue";
    if (m.framing.upgrade) line += " upgrade";
    lines.push_back("payload " + m.payload);
  }
  switch (reading.end) {
    case End::idle: lines.emplace_back("idle"); break;
    case End::in_head: lines.emplace_back("in_head"); break;
    case End::in_body: lines.emplace_back("in_body"); break;
    case End::refused:
      lines.push_back("refused " + std::string(info(reading.problem.refusal).name));
  }
  return lines;
}

class Cases : public testing::TestWithParam<std::string> {};

TEST_P(Cases, HaveTheStatedOutcome) {
  const std::vector<Case> cases = load(GetParam());
  ASSERT_GE(cases.size(), 20U);
  std::set<std::string> names;
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_TRUE(names.insert(c.name).second) << "two cases have this name";
    const Reading reading = read_whole(c.kind, c.input, c.limits, c.ended);
    EXPECT_EQ(lines_of(reading), c.expected);
    if (reading.end == End::refused) {
      EXPECT_EQ(reading.problem.offset, c.marked) << "the refusal stands at another byte";
    } else {
      EXPECT_EQ(c.marked, std::string::npos);
    }
  }
}

TEST_P(Cases, AreTheSameUnderEverySplit) {
  for (const Case& c : load(GetParam())) {
    SCOPED_TRACE(c.name);
    const Reading whole = read_whole(c.kind, c.input, c.limits, c.ended);
    std::vector<std::size_t> every(c.input.size());
    std::iota(every.begin(), every.end(), std::size_t{0});
    EXPECT_EQ(read(c.kind, c.input, every, c.limits, c.ended), whole) << "byte by byte";
    for (const std::size_t cut : every) {
      ASSERT_EQ(read(c.kind, c.input, {&cut, 1}, c.limits, c.ended), whole) << "cut at " << cut;
      const std::size_t cuts[] = {cut, std::min(cut + 3, c.input.size())};
      ASSERT_EQ(read(c.kind, c.input, cuts, c.limits, c.ended), whole) << "two cuts at " << cut;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Cases,
                         testing::Values(std::string(kFolder) + "/attacks.case",
                                         std::string(kFolder) + "/requests.case",
                                         std::string(kFolder) + "/answers.case"),
                         [](const auto& file) {
                           return std::filesystem::path(file.param).stem().string();
                         });

TEST(Refusals, EachHasACaseAnErrorStatusAndASentence) {
  std::set<std::string_view> seen;
  for (const char* name : {"attacks", "requests", "answers"}) {
    for (const Case& c : load(std::string(kFolder) + "/" + name + ".case")) {
      const std::string& last = c.expected.back();
      if (!last.starts_with("refused ")) continue;
      const auto refusal = refusal_named(std::string_view(last).substr(8));
      ASSERT_TRUE(refusal) << last;
      seen.insert(info(*refusal).name);
    }
  }
  for (int i = 1; i <= static_cast<int>(Refusal::last_); ++i) {
    const RefusalInfo& told = info(static_cast<Refusal>(i));
    EXPECT_TRUE(seen.contains(told.name)) << told.name << " has no case";
    EXPECT_GE(told.status, 400);
    EXPECT_TRUE(told.message.ends_with('.'));
    EXPECT_EQ(refusal_named(told.name), static_cast<Refusal>(i));
  }
  EXPECT_FALSE(refusal_named("no_such_refusal"));
}

}  // namespace
}  // namespace davy::http1
