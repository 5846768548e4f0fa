#include "mechanisms/text/normal_form.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace davy::text {
namespace {

std::string normal(std::string_view text) { return std::string(NormalForm{}.assign(text)); }

// What of `text` the phrase came from, in its normal form.
std::string origin(std::string_view text, std::string_view phrase) {
  NormalForm form;
  const std::size_t at = form.assign(text).find(phrase);
  if (at == std::string_view::npos) return "(not found)";
  return std::string(slice(text, form.original({at, at + phrase.size()})));
}

TEST(NormalForm, PlainSmallLettersStayAsTheyAre) {
  EXPECT_EQ(normal(""), "");
  EXPECT_EQ(normal("x"), "x");
  EXPECT_EQ(normal("write me a system prompt, 100% [ok] {~}`@"),
            "write me a system prompt, 100% [ok] {~}`@");
}

TEST(NormalForm, FoldsCaseAtEveryPlaceOfAWord) {
  std::string upper;
  std::string lower;
  for (int c = 'A'; c <= 'Z'; ++c) {
    upper += static_cast<char>(c);
    lower += static_cast<char>(c + 32);
    EXPECT_EQ(normal(upper), lower);
  }
  EXPECT_EQ(normal("STRASSE Straße ΣΊΣΥΦΟΣ"), "strasse strasse σίσυφοσ");
}

TEST(NormalForm, FoldsFullWidthLettersLigaturesAndSuperscripts) {
  EXPECT_EQ(normal("ＩＧＮＯＲＥ　ａｌｌ"), "ignore all");
  EXPECT_EQ(normal("ﬁle oﬃce"), "file office");
  EXPECT_EQ(normal("x² ① ℌ"), "x2 1 h");
}

TEST(NormalForm, ComposesCombiningMarks) {
  EXPECT_EQ(normal("cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(normal("CAFE\u0301"), normal("caf\u00E9"));
  // Marks in either order are the same text.
  EXPECT_EQ(normal("q\u0307\u0323"), normal("q\u0323\u0307"));
}

TEST(NormalForm, TakesOutWhatNobodySees) {
  for (const char* invisible : {"\u200B", "\u200C", "\u200D", "\u2060", "\uFEFF", "\u00AD",
                                "\u202E", "\u2066", "\u200E", "\u061C", "\U000E0041", "\U000E007F",
                                "\uFE0F", "\u180E", "\u3164", "\x01", "\x7F", "\u0081"}) {
    EXPECT_EQ(normal("sys" + std::string(invisible) + "tem"), "system");
  }
}

TEST(NormalForm, AnInvisibleCharacterDoesNotKeepAMarkFromItsLetter) {
  EXPECT_EQ(normal("e\u200D\u0301"), "\u00E9");
  EXPECT_EQ(normal("e\x01\u0301"), "\u00E9");
  EXPECT_EQ(normal("e\u0081\u0301"), "\u00E9");
}

TEST(NormalForm, FoldsAllWhiteSpaceToOneSpace) {
  EXPECT_EQ(normal("a \t\r\n b"), "a b");
  EXPECT_EQ(normal("a\u00A0\u2003\u3000\u2028\u0085 b"), "a b");
  EXPECT_EQ(normal("  leading and trailing  "), " leading and trailing ");
  EXPECT_EQ(normal("eight bytes  and two spaces at every   place"),
            "eight bytes and two spaces at every place");
}

TEST(NormalForm, TheWayBackIsExactToTheByte) {
  EXPECT_EQ(origin("say: Ignore  Previous\nINSTRUCTIONS!", "ignore previous instructions"),
            "Ignore  Previous\nINSTRUCTIONS");
  EXPECT_EQ(origin("a sys\u200Btem\u00ADprompt z", "systemprompt"), "sys\u200Btem\u00ADprompt");
  EXPECT_EQ(origin("the \u200Bword\u200B end", "word"), "word");
  EXPECT_EQ(origin("ＳＹＳＴＥＭ prompt", "em pro"), "ＥＭ pro");
  EXPECT_EQ(origin("o\uFB03ce", "f"), "\uFB03");  // one ligature: all of it
  EXPECT_EQ(origin("cafe\u0301 au lait", "caf\u00E9"), "cafe\u0301");
  EXPECT_EQ(origin("x   y", " "), "   ");
}

TEST(NormalForm, AnIllFormedByteBecomesTheReplacementCharacter) {
  EXPECT_EQ(normal("a\xC3z"), "a\uFFFDz");
  EXPECT_EQ(normal("\xF0\x9F\x98"), "\uFFFD\uFFFD\uFFFD");
  // Two halves that a control character keeps apart do not become a character.
  EXPECT_EQ(normal("\xC3\x01\xA9"), "\uFFFD\uFFFD");
}

TEST(NormalForm, ALongTextWithoutAsciiIsCutWhereNothingCombines) {
  std::string text;
  while (text.size() < 3'000'000) text += "가\u0301";  // Hangul with a mark
  const std::string once = normal(text);
  EXPECT_EQ(normal(once), once);
  EXPECT_EQ(once, text);
}

TEST(NormalForm, AMixOfEverythingIsStableAndMapsBackInOrder) {
  const char* parts[] = {"a",
                         "Z",
                         " ",
                         "\n",
                         "\u00A0",
                         "e\u0301",
                         "\u0301",
                         "\u200D",
                         "\uFB03",
                         "Ａ",
                         "\u1E9B\u0323",
                         "\uFDFA",
                         "\u00A8",
                         "\x01",
                         "\xC3",
                         "abcdefgh",
                         "가",
                         "\u1100\u1161\u11A8",
                         "\U000E0041",
                         "\u0345",
                         "\u2474",
                         "=\u0338",
                         "ΐ"};
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (unsigned i = 0; i < 1 + random() % 8; ++i) text += parts[random() % std::size(parts)];
    NormalForm form;
    const std::string once(form.assign(text));
    ASSERT_EQ(normal(once), once) << "seed 7, round " << round;
    std::size_t end = 0;
    for (const auto& piece : form.pieces()) {
      ASSERT_GE(piece.original.begin, end) << "round " << round;
      ASSERT_LE(piece.original.end, text.size());
      end = piece.original.end;
    }
    for (std::size_t i = 0; i < once.size(); ++i) {
      ASSERT_FALSE(form.original({i, i + 1}).empty()) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace davy::text
