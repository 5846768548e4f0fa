#include "mechanisms/formats/json_index.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace davy::json {
namespace {

std::string refusal(std::string_view text, const Limits& limits = {}) {
  Index index;
  const auto result = index.parse(text, limits);
  EXPECT_TRUE(result.ok() || index.nodes().empty());
  return result.ok() ? "accepted" : result.error().text();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(JsonIndex, ListsNodesInTheOrderOfTheTextWithTheirBytes) {
  const std::string text = R"( {"a": [1, "two", {}], "b": {"c": null}, "d": true} )";
  Index index;
  ASSERT_TRUE(index.parse(text).ok());
  std::vector<std::string> pointers;
  std::vector<std::string> values;
  for (NodeId id = 0; id < index.nodes().size(); ++id) {
    pointers.emplace_back();
    index.append_pointer(id, pointers.back());
    values.emplace_back(index.raw(id));
  }
  EXPECT_EQ(pointers,
            (std::vector<std::string>{"", "/a", "/a/0", "/a/1", "/a/2", "/b", "/b/c", "/d"}));
  EXPECT_EQ(values[1], R"([1, "two", {}])");
  EXPECT_EQ(values[3], "two");
  EXPECT_EQ(values[4], "{}");
  EXPECT_EQ(values[6], "null");
  EXPECT_EQ(index[0].children, 3U);
  EXPECT_EQ(index[1].next, 5U);
  EXPECT_EQ(index[4].next, kNoNode);
  EXPECT_EQ(index.end_of(1), 5U);
  EXPECT_EQ(index.end_of(5), 7U);
  EXPECT_EQ(index.end_of(0), index.nodes().size());
}

TEST(JsonIndex, EndOfANodeIsRightAtTheEndOfNestedContainers) {
  Index index;
  ASSERT_TRUE(index.parse(R"([[1,[2,[3]]],4])").ok());
  EXPECT_EQ(index.end_of(1), 7U);  // [1,[2,[3]]] is nodes 1 to 6
  EXPECT_EQ(index.end_of(3), 7U);
  EXPECT_EQ(index.end_of(5), 7U);
  EXPECT_EQ(index.end_of(7), 8U);
}

TEST(JsonIndex, FindsMembersByTheirDecodedName) {
  Index index;
  ASSERT_TRUE(index.parse(R"({"m\u006fdel": "x\u0079", "n": 23, "f": 1.0})").ok());
  const NodeId model = index.member(0, "model");
  ASSERT_NE(model, kNoNode);
  EXPECT_TRUE(index.string_is(model, "xy"));
  EXPECT_FALSE(index.string_is(model, "x\\u0079"));
  Arena arena;
  EXPECT_EQ(index.text(model, arena), "xy");
  EXPECT_EQ(index.key(model, arena), "model");
  EXPECT_EQ(index.whole_number(index.member(0, "n")), 23U);
  EXPECT_EQ(index.whole_number(index.member(0, "f")), std::nullopt);
  EXPECT_EQ(index.whole_number(index.member(0, "missing")), std::nullopt);
  EXPECT_EQ(index.member(model, "model"), kNoNode);
}

TEST(JsonIndex, WholeNumbersThatDoNotFitAreNone) {
  Index index;
  ASSERT_TRUE(index.parse("[18446744073709551615, 18446744073709551616, -1]").ok());
  EXPECT_EQ(index.whole_number(1), 18446744073709551615U);
  EXPECT_EQ(index.whole_number(2), std::nullopt);
  EXPECT_EQ(index.whole_number(3), std::nullopt);
}

TEST(JsonIndex, EscapesKeysInPointers) {
  Index index;
  ASSERT_TRUE(index.parse(R"({"a/b~c": [{"\u002f": 1}], "": 2})").ok());
  std::string pointer;
  index.append_pointer(3, pointer);
  EXPECT_EQ(pointer, "/a~1b~0c/0/~1");
  pointer.clear();
  index.append_pointer(4, pointer);
  EXPECT_EQ(pointer, "/");
}

TEST(JsonIndex, AcceptsAllOfTheGrammar) {
  for (const std::string_view text :
       {"null", "0", "-0", "1.5e+10", "1E-7", "12345678901234567890123", "\"\"", "[]", "{}",
        "\t[1 ,\r\n2]\n", R"("\"\\\/\b\f\n\r\t\u0000\uFFFF\ud83d\ude00")", "\"\x7f\"",
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"", R"({"a":1,"A":1,"":2})"}) {
    EXPECT_EQ(refusal(text), "accepted") << text;
  }
}

struct Refused {
  std::string_view text;
  std::string_view why;
  std::string_view place;
};

TEST(JsonIndex, RefusesWhatIsNotJsonWithPlaceAndReason) {
  using namespace std::string_view_literals;
  for (const Refused& each :
       std::vector<Refused>{{"", "empty", "1:1"},
                            {"  \n ", "empty", "2:2"},
                            {"\xEF\xBB\xBF{}", "byte order mark", "1:1"},
                            {"{} {}", "after the end", "1:4"},
                            {"1 2", "after the end", "1:3"},
                            {"[1,]", "a value is due", "1:4"},
                            {"{\"a\":1,}", "a key in quotes", "1:8"},
                            {"{a:1}", "a key in quotes", "1:2"},
                            {"{'a':1}", "a key in quotes", "1:2"},
                            {"{\"a\" 1}", "colon", "1:6"},
                            {"[1 2]", "comma or ]", "1:4"},
                            {"{\"a\":1 \"b\":2}", "comma or }", "1:8"},
                            {"[1", "ends too early", "1:3"},
                            {"[", "ends where a value", "1:2"},
                            {"{\"a\":", "ends where a value", "1:6"},
                            {"{", "ends where a key", "1:2"},
                            {"[1}", "comma or ]", "1:3"},
                            {"]", "a value is due", "1:1"},
                            {"01", "begins with 0", "1:2"},
                            {"-", "a value is due", "1:1"},
                            {"+1", "a value is due", "1:1"},
                            {".5", "a value is due", "1:1"},
                            {"1.", "after its point", "1:3"},
                            {"1e", "exponent", "1:3"},
                            {"1e+", "exponent", "1:4"},
                            {"0x1", "after the end", "1:2"},
                            {"NaN", "a value is due", "1:1"},
                            {"nul", "neither", "1:1"},
                            {"truth", "neither", "1:1"},
                            {"// c\n1", "a value is due", "1:1"},
                            {"\"a", "not closed", "1:1"},
                            {"\"a\\\"", "not closed", "1:1"},
                            {"\"a\nb\"", "control character", "1:3"},
                            {"\"\0\""sv, "control character", "1:2"},
                            {"\0"sv, "a value is due", "1:1"},
                            {"1\0"sv, "after the end", "1:2"},
                            {"\"\\x41\"", "no escape of JSON", "1:2"},
                            {"\"\\u12G4\"", "four hex digits", "1:2"},
                            {"\"\\u123", "four hex digits", "1:2"},
                            {"\"\\", "no escape of JSON", "1:2"},
                            {"\"\xff\"", "not valid UTF-8", "1:2"},
                            {"\"a\xc0\xaf\"", "not valid UTF-8", "1:3"},
                            {"\"\xed\xa0\x80\"", "not valid UTF-8", "1:2"},
                            {"{\"\xc3\":1}", "not valid UTF-8", "1:3"},
                            {"\"\\ud800\"", "surrogate", "1:2"},
                            {"\"\\ude00\"", "surrogate", "1:2"},
                            {"\"\\ud83dx\"", "surrogate", "1:2"},
                            {"\"\\ud83d\\ud83d\\ude00\"", "surrogate", "1:2"},
                            {"{\"a\":1,\n \"a\":2}", "same key twice", "2:2"},
                            {"{\"a\":1,\"\\u0061\":2}", "same key twice", "1:8"},
                            {"[{\"x\":{\"k\":1,\"k\":1}}]", "same key twice", "1:14"}}) {
    const std::string error = refusal(each.text);
    EXPECT_TRUE(has(error, each.why)) << each.text << "\n" << error;
    EXPECT_TRUE(error.starts_with("line " + std::string(each.place) + ":")) << each.text << "\n"
                                                                            << error;
    EXPECT_TRUE(has(error, "at byte ")) << error;
  }
}

TEST(JsonIndex, ColumnsCountCharactersAndBytesAreNamedToo) {
  const std::string error = refusal("{\"\xc3\xa9\xf0\x9f\x98\x80\":x}");
  EXPECT_TRUE(error.starts_with("line 1:7:")) << error;
  EXPECT_TRUE(has(error, "at byte 10:")) << error;
}

TEST(JsonIndex, ErrorsDoNotRepeatContent) {
  const std::string error = refusal(R"({"sk-secret": "sk-secret", "sk-secret": 1})");
  EXPECT_TRUE(has(error, "same key twice"));
  EXPECT_FALSE(has(error, "sk-secret"));
}

TEST(JsonIndex, FindsTheSecondOfTwoEqualKeysAmongMany) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += "\"common prefix " + std::to_string(i) + "\":0,";
  const std::string unique = text + "\"last\":0}";
  EXPECT_EQ(refusal(unique), "accepted");
  const std::size_t at = text.size();
  const std::string twice = text + "\"common prefix 17\":0,\"common prefix 18\":0}";
  EXPECT_TRUE(has(refusal(twice), "at byte " + std::to_string(at) + ":"));
}

TEST(JsonIndex, HoldsItsLimits) {
  EXPECT_EQ(refusal(std::string(64, '[') + std::string(64, ']')), "accepted");
  EXPECT_TRUE(has(refusal(std::string(65, '[') + std::string(65, ']')), "too deeply"));
  EXPECT_TRUE(has(refusal(std::string(1'000'000, '[')), "too deeply"));
  EXPECT_EQ(refusal("[1,2,3]", {.nodes = 4}), "accepted");
  EXPECT_TRUE(has(refusal("[1,2,3,4]", {.nodes = 4}), "too many values"));
  Index index;
  EXPECT_EQ(index.parse("[1,2]", {.nodes = 1}).error().kind, ErrorKind::limit);
  EXPECT_EQ(index.parse("[[]]", {.depth = 1}).error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(index.parse("[").error().kind, ErrorKind::invalid_input);
}

TEST(JsonIndex, FoldsArraysOfNumbersOnlyWhereAsked) {
  const std::string text = R"({"v":[ 1 ,-2.5e3,0],"w":[1,"a"],"x":[],"y":[[1,2],[3]],"z":1})";
  Index index;
  ASSERT_TRUE(index.parse(text, {.fold_numbers = true}).ok());
  EXPECT_EQ(index.nodes().size(), 10U);
  const NodeId v = index.member(0, "v");
  EXPECT_EQ(index.raw(v), "[ 1 ,-2.5e3,0]");
  EXPECT_EQ(index.first_child(v), kNoNode);
  EXPECT_EQ(index.end_of(v), v + 1);
  EXPECT_EQ(index[index.member(0, "w")].children, 2U);
  EXPECT_EQ(index[index.member(0, "y")].children, 2U);
  EXPECT_EQ(index.raw(index.member(0, "z")), "1");
  ASSERT_TRUE(index.parse(text).ok());
  EXPECT_EQ(index.nodes().size(), 16U);

  const Limits few{.nodes = 2, .fold_numbers = true};
  EXPECT_TRUE(index.parse("[[1,2,3,4,5]]", few).ok());
  for (const char* bad : {"[1,]", "[1", "[1 2]", "[1,,2]", "[01]", "[1.]", "[-]", "[1,2}", "[1,2",
                          "[1,\"a]", "[1e]", "[,1]"}) {
    const std::string why = refusal(bad);
    EXPECT_NE(why, "accepted") << bad;
    EXPECT_EQ(refusal(bad, {.fold_numbers = true}), why) << bad;
  }
}

TEST(JsonIndex, ReplacesLoneSurrogatesOnlyWhereAsked) {
  Index index;
  ASSERT_TRUE(index.parse(R"(["a\ud83d", "\ude00b"])", {.surrogates = Surrogates::replace}).ok());
  Arena arena;
  EXPECT_EQ(index.text(1, arena), "a\xEF\xBF\xBD");
  EXPECT_EQ(index.text(2, arena),
            "\xEF\xBF\xBD"
            "b");
}

TEST(JsonIndex, SeesTheEndOfAStringAtEveryDistanceFromTheBeginning) {
  // The inner loop reads 16 bytes at once: all positions within them must work.
  for (std::size_t length = 0; length < 70; ++length) {
    for (const char* stop : {"\"", "\\n\"", "\xc3\xa9\"", "\x01\"", "\xff\""}) {
      const std::string text = '"' + std::string(length, 'x') + stop;
      const bool good = *stop == '"' || *stop == '\\' || *stop == '\xc3';
      EXPECT_EQ(refusal(text) == "accepted", good) << length << stop;
      EXPECT_EQ(refusal("[" + text + ",1]") == "accepted", good) << length << stop;
    }
  }
}

TEST(JsonIndex, IsReusable) {
  Index index;
  ASSERT_TRUE(index.parse(R"({"a\u0062":{"c":1}})").ok());
  EXPECT_FALSE(index.parse("{").ok());
  ASSERT_TRUE(index.parse(R"({"ab":2})").ok());
  EXPECT_EQ(index.nodes().size(), 2U);
  EXPECT_NE(index.member(0, "ab"), kNoNode);
}

}  // namespace
}  // namespace davy::json
