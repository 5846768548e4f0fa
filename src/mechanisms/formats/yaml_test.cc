#include "mechanisms/formats/yaml.h"

#include <gtest/gtest.h>

#include <string>

namespace davy::formats {
namespace {

using Kind = ConfigNode::Kind;

struct Read {
  std::optional<ConfigNode> tree;
  Diagnostics diagnostics;
  // The first message with its place; "" if there is none.
  [[nodiscard]] std::string first() const {
    return diagnostics.all().empty() ? "" : diagnostics.all().front().text();
  }
};

Read read(std::string_view text, const YamlLimits& limits = {}) {
  Read out;
  out.tree = read_yaml(text, "f.yaml", out.diagnostics, limits);
  return out;
}

void expect_refused(std::string_view text, std::string_view place, std::string_view part) {
  const Read r = read(text);
  EXPECT_FALSE(r.diagnostics.ok()) << text;
  EXPECT_TRUE(r.first().starts_with(std::string(place) + ":")) << r.first();
  EXPECT_NE(r.first().find(part), std::string::npos) << r.first();
}

TEST(Yaml, GivesEveryNodeItsPlace) {
  const Read r = read("a: 1\nb:\n  - x\n  - {c: d}\n");
  ASSERT_TRUE(r.tree && r.diagnostics.ok()) << r.first();
  ASSERT_EQ(r.tree->entries.size(), 2u);
  EXPECT_EQ(r.tree->entries[0].key.place.text(), "f.yaml:1:1");
  EXPECT_EQ(r.tree->find("a")->place.text(), "f.yaml:1:4");
  const ConfigNode& list = *r.tree->find("b");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[0].place.text(), "f.yaml:3:5");
  EXPECT_EQ(list.items[1].kind, Kind::map);
  EXPECT_EQ(list.items[1].find("c")->place.text(), "f.yaml:4:9");
}

TEST(Yaml, ColumnsCountBytesAndAByteOrderMarkCountsForNothing) {
  const Read r = read("\xEF\xBB\xBF{\xC3\xBC: x}\n");
  ASSERT_TRUE(r.tree) << r.first();
  EXPECT_EQ(r.tree->entries[0].key.place.text(), "f.yaml:1:2");
  EXPECT_EQ(r.tree->entries[0].value.place.text(), "f.yaml:1:6");
}

TEST(Yaml, TellsQuotedFromPlain) {
  const Read r = read("a: 5\nb: \"5\"\nc: '5'\nd: |\n  5\n");
  ASSERT_TRUE(r.tree);
  EXPECT_FALSE(r.tree->find("a")->quoted);
  EXPECT_TRUE(r.tree->find("b")->quoted);
  EXPECT_TRUE(r.tree->find("c")->quoted);
  EXPECT_TRUE(r.tree->find("d")->quoted);
  EXPECT_EQ(r.tree->find("d")->scalar, "5\n");
}

TEST(Yaml, WordsOfOldYamlStayText) {
  const Read r = read("a: off\nb: no\nc: 1_000\n");
  ASSERT_TRUE(r.tree);
  EXPECT_EQ(r.tree->find("a")->scalar, "off");
  EXPECT_EQ(r.tree->find("b")->scalar, "no");
  EXPECT_EQ(r.tree->find("c")->scalar, "1_000");
}

TEST(Yaml, NothingIsNull) {
  const Read r = read("a:\nb: ~\nc: null\nd: \"\"\n");
  ASSERT_TRUE(r.tree);
  EXPECT_EQ(r.tree->find("a")->kind, Kind::null);
  EXPECT_EQ(r.tree->find("b")->kind, Kind::null);
  EXPECT_EQ(r.tree->find("c")->kind, Kind::null);
  EXPECT_EQ(r.tree->find("d")->kind, Kind::scalar);
}

TEST(Yaml, AnEmptyDocumentIsNull) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "\xEF\xBB\xBF"}) {
    const Read r = read(text);
    ASSERT_TRUE(r.tree && r.diagnostics.ok()) << text << r.first();
    EXPECT_EQ(r.tree->kind, Kind::null);
    EXPECT_GE(r.tree->place.line, 1u);
  }
}

TEST(Yaml, ReportsEachKeyThatStandsTwiceWithBothPlaces) {
  const Read r = read("a: 1\nb: {x: 1, x: 2}\na: 2\n\"a\": 3\n");
  ASSERT_TRUE(r.tree);
  ASSERT_EQ(r.diagnostics.all().size(), 3u);
  EXPECT_EQ(r.diagnostics.all()[0].text(),
            "f.yaml:2:11: error: the key \"x\" stands twice (the first is at f.yaml:2:5)");
  EXPECT_EQ(r.diagnostics.all()[1].text(),
            "f.yaml:3:1: error: the key \"a\" stands twice (the first is at f.yaml:1:1)");
  EXPECT_EQ(r.tree->find("a")->scalar, "1");
}

TEST(Yaml, RefusesAnchorsAndAliases) {
  expect_refused("a: &x 1\n", "f.yaml:1:4", "anchors");
  expect_refused("a: &x [1]\nb: *x\n", "f.yaml:1:4", "anchors");
  expect_refused("a: *x\n", "f.yaml:1:4", "aliases");
  expect_refused("*.yaml: 1\n", "f.yaml:1", "quote text that begins with");
}

TEST(Yaml, RefusesTags) {
  expect_refused("a: !!str 5\n", "f.yaml:1:4", "tags");
  expect_refused("a: !secret x\n", "f.yaml:1:4", "tags");
  expect_refused("a: !!set {x}\n", "f.yaml:1:4", "tags");
}

TEST(Yaml, RefusesASecondDocument) {
  expect_refused("a: 1\n---\nb: 1\n", "f.yaml", "second document");
  expect_refused("a: 1\n...\n---\n", "f.yaml", "second document");
}

TEST(Yaml, RefusesKeysThatAreNoText) {
  expect_refused("? [a]\n: 1\n", "f.yaml:1:3", "key must be text");
  expect_refused("{a: 1}: 2\n", "f.yaml:1:1", "key must be text");
  expect_refused("~: 2\n", "f.yaml:1:1", "key must be text");
}

TEST(Yaml, SaysThatATabIndents) {
  expect_refused("a:\n\tb: 1\n", "f.yaml:2", "a tab indents this line");
  expect_refused("a:\n  b: 1\n\tc: 1\n", "f.yaml:3", "a tab indents this line");
}

TEST(Yaml, RefusesWhatIsNoUtf8) {
  expect_refused("a: 1\nb: \xFF\n", "f.yaml:2:4", "not UTF-8");
  expect_refused("a: \xED\xA0\x80\n", "f.yaml:1:4", "not UTF-8");
}

TEST(Yaml, RefusesControlCharactersSoThatNothingHidesBehindOne) {
  expect_refused(std::string_view("a: 1\n\x04\nb: 2\n"), "f.yaml:2:1", "control character");
  expect_refused(std::string_view("a: \0", 4), "f.yaml:1:4", "control character");
  expect_refused("a: \"x\\0y\"\n", "f.yaml:1:4", "NUL");
}

TEST(Yaml, BrokenTextHasAPlace) {
  expect_refused("a: [1, 2\n", "f.yaml:1:8", "close every [ and {");
  expect_refused("a: [x] y\n", "f.yaml:1:8", "does not belong");
  expect_refused("a: b: c\n", "f.yaml:1", "not expected here");
  expect_refused("a: 1\n  b: 2\n", "f.yaml:2", "no");
  expect_refused("a: 1\nword\nb: 1\n", "f.yaml:3", "no YAML");
  expect_refused("[a]\nb: 1\n", "f.yaml:2:1", "after the end of the document");
}

TEST(Yaml, AnOpenQuoteDoesNotSwallowTheRest) {
  expect_refused("a: \"x\nb: 2\nc: 3\n", "f.yaml:1:4", "never closed");
  expect_refused("a: 'it''s\nb: 2\n", "f.yaml:1:4", "never closed");
  expect_refused("a: 1\nb: \"x\\\"\n", "f.yaml:2:4", "never closed");
  expect_refused("\xC3\xBC: \"x\n", "f.yaml:1:5", "never closed");
  for (const char* text :
       {"a: 'it''s'\n", "a: ''\n", "a: \"\"", "a: \"x\\\"y\"\n", "a: ''''\r\n"}) {
    EXPECT_TRUE(read(text).tree) << text << read(text).first();
  }
}

TEST(Yaml, AKeyNeedsItsColon) {
  expect_refused("a: 1\nword\n", "f.yaml:2:1", "no \":\" after this key");
  expect_refused("? a\nb: 1\n", "f.yaml:1:3", "no \":\" after this key");
  for (const char* text : {"a:", "a:\nb: 1\n", "{a: , b: }", "a:\n"}) {
    EXPECT_TRUE(read(text).tree) << text << read(text).first();
  }
}

TEST(Yaml, MessagesDoNotRepeatValues) {
  for (const char* text :
       {"a: \"sk-very-secret\\q\"\n", "a: *sk-very-secret\n", "a: !sk-very-secret x\n",
        "a: sk-very-secret: b\n", "a: {b: sk-very-secret\n", "%sk-very-secret\n---\na: 1\n"}) {
    const Read r = read(text);
    EXPECT_EQ(r.first().find("sk-very"), std::string::npos) << r.first();
  }
}

TEST(Yaml, KeepsItsLimits) {
  EXPECT_FALSE(read("a: 12345\n", {8, 32, 100}).tree);
  EXPECT_TRUE(read("a: 1234", {8, 32, 100}).tree);
  EXPECT_TRUE(read("[[[1]]]", {100, 3, 100}).tree);
  EXPECT_NE(read("[[[[1]]]]", {100, 3, 100}).first().find("deeper than 3"), std::string::npos);
  EXPECT_TRUE(read("[1, 2, 3]", {100, 3, 4}).tree);
  EXPECT_NE(read("[1, 2, 3, 4]", {100, 3, 4}).first().find("more than 4"), std::string::npos);
}

TEST(Yaml, DeepAndLongInputEndsInAnErrorNotInACrash) {
  const std::size_t size = 1 << 20;
  for (const char* piece : {"[", "{", "- ", "? ", "a: ", "[a, ", "{a: ", "!", "&a ", "\""}) {
    std::string text;
    while (text.size() + std::string_view(piece).size() <= size) text += piece;
    EXPECT_FALSE(read(text).diagnostics.ok()) << piece;
  }
}

}  // namespace
}  // namespace davy::formats
