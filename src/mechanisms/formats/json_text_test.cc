#include "mechanisms/formats/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace davy::json {
namespace {

std::string decoded(std::string_view raw) {
  std::string out;
  append_decoded(out, raw);
  Arena arena;
  EXPECT_EQ(decode(raw, arena), out);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

TEST(JsonText, DecodesEveryEscape) {
  EXPECT_EQ(decoded(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(decoded(R"(\u0041\u00e9\u20ac\uD83D\uDE00)"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(decoded(R"(a\u0000b)"), std::string("a\0b", 3));
  EXPECT_EQ(decoded(R"(\\u0041)"), "\\u0041");
  EXPECT_EQ(decoded("plain"), "plain");
}

TEST(JsonText, LoneSurrogatesBecomeTheReplacementCharacter) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(decoded(R"(\ud83d)"), replacement);
  EXPECT_EQ(decoded(R"(\ude00\ud83d)"), replacement + replacement);
  EXPECT_EQ(decoded(R"(\ud83d\u0041)"), replacement + "A");
  EXPECT_EQ(decoded(R"(\ud83d\ud83d\ude00)"), replacement + "\xf0\x9f\x98\x80");
}

TEST(JsonText, EscapesOnlyWhatMustBe) {
  EXPECT_EQ(escaped("a\"b\\c\n\x01/\x7f\xc3\xa9"), "a\\\"b\\\\c\\n\\u0001/\x7f\xc3\xa9");
  EXPECT_EQ(escaped("x\xff\xfe"
                    "y\xc3"),
            "x\xEF\xBF\xBD\xEF\xBF\xBDy\xEF\xBF\xBD");
  std::string quoted;
  append_quoted(quoted, "a\"");
  EXPECT_EQ(quoted, "\"a\\\"\"");
}

TEST(JsonText, DecodingUndoesEscaping) {
  std::string all;
  for (char32_t c = 0; c < 0x3000; ++c) append_utf8(all, c);
  append_utf8(all, 0x1F600);
  EXPECT_EQ(decoded(escaped(all)), all);
}

TEST(JsonText, MapsDecodedBytesToTheSource) {
  const std::string_view raw = R"(a\nb\ud83d\ude00c)";  // decoded: a LF b (4 bytes) c
  EXPECT_EQ(source_span(raw, {0, 1}), (Span{0, 1}));
  EXPECT_EQ(source_span(raw, {1, 2}), (Span{1, 3}));
  EXPECT_EQ(source_span(raw, {3, 7}), (Span{4, 16}));
  EXPECT_EQ(source_span(raw, {7, 8}), (Span{16, 17}));
  EXPECT_EQ(source_span(raw, {8, 8}), (Span{17, 17}));
  EXPECT_EQ(source_span(raw, {0, 8}), (Span{0, 17}));
}

TEST(JsonText, WidensSpansToWholeCharacters) {
  const std::string_view raw = "x\xc3\xa9\\ud83d\\ude00";
  EXPECT_EQ(source_span(raw, {2, 3}), (Span{1, 3}));   // half of the é
  EXPECT_EQ(source_span(raw, {4, 5}), (Span{3, 15}));  // a quarter of the emoji
  EXPECT_EQ(source_span(raw, {2, 2}), (Span{1, 1}));   // an insertion moves to its begin
}

TEST(JsonText, ACursorGivesTheSameAsEachSpanAlone) {
  const std::string_view raw = R"(one\ttwo\u00e9\u20acthree)";
  const std::size_t size = decoded(raw).size();
  SourceCursor cursor(raw);
  for (std::size_t at = 0; at < size; ++at) {
    EXPECT_EQ(cursor.begin_of(at), source_span(raw, {at, size}).begin) << at;
  }
  EXPECT_EQ(cursor.end_of(size), raw.size());
}

TEST(JsonText, PointerPartsAreEscaped) {
  std::string out;
  append_pointer_part(out, "a/b~c");
  append_pointer_part(out, "");
  EXPECT_EQ(out, "/a~1b~0c/");
}

TEST(JsonText, AnArenaKeepsItsTextsApart) {
  Arena arena;
  std::vector<std::string_view> views;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 400; ++i) {
    texts.push_back(std::string(i * 7 % 900, static_cast<char>('a' + i % 26)));
    views.push_back(arena.copy(texts.back()));
  }
  const Arena moved = std::move(arena);
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(views[i], texts[i]);
}

TEST(JsonText, AnArenaReusesItsMemory) {
  Arena arena;
  const char* const first = arena.take(100);
  arena.clear();
  EXPECT_EQ(arena.take(100), first);
  arena.clear();
  EXPECT_NE(arena.take(10 * Arena::kKeptBytes), nullptr);
  arena.clear();
  EXPECT_EQ(arena.take(100), first);
}

}  // namespace
}  // namespace davy::json
