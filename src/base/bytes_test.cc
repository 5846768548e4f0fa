#include "base/bytes.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace davy {
namespace {

using namespace std::string_literals;

std::string all_bytes() {
  std::string out;
  for (int i = 0; i < 256; ++i) out += static_cast<char>(i);
  return out;
}

TEST(Span, NamesAPartOfAText) {
  const Span span{2, 5};
  EXPECT_EQ(span.size(), 3U);
  EXPECT_FALSE(span.empty());
  EXPECT_EQ(slice("abcdefg", span), "cde");
  EXPECT_TRUE((Span{4, 4}).empty());
}

TEST(Hex, WritesLowerCaseAndReadsBothCases) {
  EXPECT_EQ(to_hex("\x00\x1f\xff"s), "001fff");
  EXPECT_EQ(from_hex("001FfF"), "\x00\x1f\xff"s);
  EXPECT_EQ(from_hex(to_hex(all_bytes())), all_bytes());
  EXPECT_EQ(from_hex(""), "");
}

TEST(Hex, RefusesOddLengthAndStrangeDigits) {
  for (const auto* bad : {"0", "abc", "0g", "g0", "0x", " 0", "-1", "+1"}) {
    EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
  }
}

// RFC 4648 section 10.
TEST(Base64, GivesTheKnownAnswers) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"},
                                                                  {"\xfb\xff\xfe", "+//+"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, ReadsWithoutPaddingAndTheUrlAlphabet) {
  EXPECT_EQ(from_base64("Zg"), "f");
  EXPECT_EQ(from_base64("Zm8"), "fo");
  EXPECT_EQ(from_base64("-__-"), "\xfb\xff\xfe");
}

TEST(Base64, ReadsWhatItWroteForEveryLength) {
  const std::string bytes = all_bytes();
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    EXPECT_EQ(from_base64(to_base64(bytes.substr(0, length))), bytes.substr(0, length));
  }
}

TEST(Base64, RefusesAllElse) {
  const std::vector<std::string> bad = {
      "Z",         // a lone digit holds no byte
      "Zm9vY",     // the same after a whole group
      "Zg=",       // half a padding
      "Zg===",     //
      "Zm9v====",  //
      "=",         //
      "====",      //
      "Zg==Zg==",  // padding in the middle
      "Z=g=",      //
      "Zm9v\n",    // no line breaks
      " Zm9v",     //
      "+__-",      // both alphabets
      "Zh==",      // left-over bits that are not zero
      "Zm9=",      //
      "Zm9v\xc3\xa9"
      "aa",
      "Zm\0v"s,
  };
  for (const std::string& text : bad) EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

// Each row of table 3-7: both ends of each range, and the bytes just outside.
TEST(Utf8, FollowsTable37) {
  const std::vector<std::pair<std::string, bool>> cases = {
      {"\x00"s, true},
      {"\x7f", true},
      {"\x80", false},
      {"\xbf", false},
      {"\xc0\x80", false},
      {"\xc1\xbf", false},
      {"\xc2\x80", true},
      {"\xdf\xbf", true},
      {"\xc2\x7f", false},
      {"\xc2\xc0", false},
      {"\xe0\x9f\xbf", false},
      {"\xe0\xa0\x80", true},
      {"\xe0\xbf\xbf", true},
      {"\xe1\x80\x80", true},
      {"\xe1\x7f\x80", false},
      {"\xe1\x80\x7f", false},
      {"\xe1\x80\xc0", false},
      {"\xec\xbf\xbf", true},
      {"\xed\x80\x80", true},
      {"\xed\x9f\xbf", true},
      {"\xed\xa0\x80", false},  // surrogates
      {"\xed\xbf\xbf", false},
      {"\xee\x80\x80", true},
      {"\xef\xbf\xbf", true},
      {"\xf0\x8f\xbf\xbf", false},
      {"\xf0\x90\x80\x80", true},
      {"\xf0\xbf\xbf\xbf", true},
      {"\xf1\x80\x80\x80", true},
      {"\xf3\xbf\xbf\xbf", true},
      {"\xf1\x80\x80\xc0", false},
      {"\xf4\x80\x80\x80", true},
      {"\xf4\x8f\xbf\xbf", true},
      {"\xf4\x90\x80\x80", false},  // above U+10FFFF
      {"\xf5\x80\x80\x80", false},
      {"\xf8\x88\x80\x80\x80", false},
      {"\xff", false},
      {"\xc2", false},  // cut short
      {"\xe1\x80", false},
      {"\xf1\x80\x80", false},
  };
  for (const auto& [text, good] : cases) {
    EXPECT_EQ(first_invalid_utf8(text).has_value(), !good) << to_hex(text);
    // The same behind and before ASCII that is examined eight bytes at a time.
    EXPECT_EQ(first_invalid_utf8("0123456789" + text + "abcdefgh"),
              good ? std::nullopt : std::optional<std::size_t>(10))
        << to_hex(text);
  }
}

// All strings of three bytes: each row of the table lets through as many as it
// should.
TEST(Utf8, AcceptsExactlyAsManyStringsAsTheTable) {
  std::size_t accepted = 0;
  std::string text(3, '\0');
  for (unsigned i = 0; i < (1U << 24); ++i) {
    text[0] = static_cast<char>(i >> 16);
    text[1] = static_cast<char>(i >> 8);
    text[2] = static_cast<char>(i);
    if (!first_invalid_utf8(text)) ++accepted;
  }
  constexpr std::size_t kTwo = 30 * 64;                                // U+0080 to U+07FF
  constexpr std::size_t kThree = 0x10000 - 0x800 - (0xE000 - 0xD800);  // U+0800 to U+FFFF
  EXPECT_EQ(accepted, 128 * 128 * 128 + 2 * 128 * kTwo + kThree);
}

TEST(Utf8, NamesTheBeginningOfTheBrokenSequence) {
  EXPECT_EQ(first_invalid_utf8("ab\xe1\x80"), 2U);
  EXPECT_EQ(first_invalid_utf8("\xc3\xa9\xc3"), 2U);
  EXPECT_EQ(first_invalid_utf8(""), std::nullopt);
  EXPECT_EQ(first_invalid_utf8("grüße, 世界 🙂"), std::nullopt);
}

TEST(Utf8, WritesAndReadsEveryCodePoint) {
  std::string text;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    text.clear();
    append_utf8(text, c);
    ASSERT_EQ(first_invalid_utf8(text), std::nullopt) << static_cast<unsigned>(c);
    std::size_t at = 0;
    ASSERT_EQ(next_code_point(text, at), c);
    ASSERT_EQ(at, text.size());
  }
}

TEST(Utf8, WritesAReplacementForWhatIsNoCharacter) {
  for (const char32_t c : {char32_t{0xD800}, char32_t{0xDFFF}, char32_t{0x110000}}) {
    std::string text;
    append_utf8(text, c);
    EXPECT_EQ(text, "\xef\xbf\xbd");
  }
}

TEST(Utf8, StepsOverBrokenTextWithoutLeavingIt) {
  const std::string text = "a\xff\xe1\x80";
  std::vector<char32_t> points;
  for (std::size_t at = 0; at < text.size();) points.push_back(next_code_point(text, at));
  EXPECT_EQ(points, (std::vector<char32_t>{'a', 0xFFFD, 0xFFFD, 0xFFFD}));
  std::size_t end = text.size();
  EXPECT_EQ(next_code_point(text, end), U'\xFFFD');
  EXPECT_EQ(end, text.size());
}

TEST(Utf8, CountsCodePointsBeforeAnOffset) {
  const std::string text = "aé世🙂b";  // 1 + 2 + 3 + 4 + 1 bytes
  EXPECT_EQ(code_points_before(text, 0), 0U);
  EXPECT_EQ(code_points_before(text, 1), 1U);
  EXPECT_EQ(code_points_before(text, 3), 2U);
  EXPECT_EQ(code_points_before(text, 6), 3U);
  EXPECT_EQ(code_points_before(text, 10), 4U);
  EXPECT_EQ(code_points_before(text, 11), 5U);
  EXPECT_EQ(code_points_before(text, 99), 5U);
}

}  // namespace
}  // namespace davy
