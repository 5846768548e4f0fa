#include "base/strings.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace davy {
namespace {

using namespace std::string_literals;

TEST(Case, ConcernsAsciiLettersOnly) {
  EXPECT_EQ(lower("AZaz09_[É"), "azaz09_[É");
  EXPECT_TRUE(equal_ignoring_case("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(equal_ignoring_case("abc", "abcd"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));  // these differ in the case bit only
  EXPECT_TRUE(equal_ignoring_case("", ""));
}

TEST(Trim, TakesSpaceTabCrAndLfOffBothEnds) {
  EXPECT_EQ(trim(" \t\r\n a b \n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim(""), "");
  EXPECT_EQ(trim("\va\v"), "\va\v");
}

TEST(Split, AlwaysGivesAPart) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("", ','), Parts{""});
  EXPECT_EQ(split("a", ','), Parts{"a"});
  EXPECT_EQ(split("a,,b,", ','), (Parts{"a", "", "b", ""}));
}

TEST(Join, PutsTheSeparatorBetween) {
  EXPECT_EQ(join({}, ", "), "");
  const std::vector<std::string> one{"a"};
  const std::vector<std::string> three{"a", "", "c"};
  EXPECT_EQ(join(one, ", "), "a");
  EXPECT_EQ(join(three, ", "), "a, , c");
}

TEST(ToNumber, ReadsDecimalsAndNothingElse) {
  EXPECT_EQ(to_number("0"), 0U);
  EXPECT_EQ(to_number("007"), 7U);
  EXPECT_EQ(to_number("18446744073709551615"), UINT64_MAX);
  for (const auto* bad : {"", " 1", "1 ", "+1", "-1", "0x1", "1e3", "1.0", "18446744073709551616",
                          "99999999999999999999999", "١"}) {
    EXPECT_EQ(to_number(bad), std::nullopt) << bad;
  }
}

TEST(EditDistance, CountsInsertionsDeletionsAndReplacements) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("sitting", "kitten"), 3U);
  EXPECT_EQ(edit_distance("listen", "lsiten"), 2U);
}

TEST(EditDistance, LooksAtTheFirst64Bytes) {
  const std::string a(64, 'a');
  EXPECT_EQ(edit_distance(a + "xyz", a), 0U);
  EXPECT_EQ(edit_distance(std::string(1'000'000, 'a'), std::string(1'000'000, 'b')), 64U);
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> keys{"listen", "admin", "models", "experiments"};
  EXPECT_EQ(nearest("lisen", keys), "listen");
  EXPECT_EQ(nearest("modles", keys), "models");
  EXPECT_EQ(nearest("experiment", keys), "experiments");
  EXPECT_EQ(nearest("zzz", keys), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
  EXPECT_EQ(nearest("listen", {}), std::nullopt);
}

TEST(Nearest, TakesTheFirstOfEquals) {
  const std::vector<std::string> keys{"cart", "care"};
  EXPECT_EQ(nearest("card", keys), "cart");
}

TEST(Glob, MatchesStarsAgainstAnyRun) {
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_TRUE(matches_glob("", "**"));
  EXPECT_TRUE(matches_glob("guardrails.injection.override", "guardrails.injection.*"));
  EXPECT_FALSE(matches_glob("guardrails.injection", "guardrails.injection.*"));
  EXPECT_TRUE(matches_glob("abcbcd", "a*bcd"));
  EXPECT_FALSE(matches_glob("a?c", "abc"));
  EXPECT_FALSE(matches_glob("abc", "a?c"));  // only the star is special
  EXPECT_FALSE(matches_glob("a", ""));
}

// Short enough to try everything, so plain that it needs no proof.
bool plain_glob(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return plain_glob(text, pattern.substr(1)) ||
           (!text.empty() && plain_glob(text.substr(1), pattern));
  }
  return !text.empty() && text[0] == pattern[0] && plain_glob(text.substr(1), pattern.substr(1));
}

std::vector<std::string> words(std::string_view letters, std::size_t longest) {
  std::vector<std::string> out{""};
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i].size() == longest) continue;
    for (const char c : letters) out.push_back(out[i] + c);
  }
  return out;
}

TEST(Glob, AgreesWithThePlainDefinition) {
  for (const std::string& text : words("ab", 6)) {
    for (const std::string& pattern : words("ab*", 5)) {
      ASSERT_EQ(matches_glob(text, pattern), plain_glob(text, pattern)) << text << ' ' << pattern;
    }
  }
}

// A matcher that tries every star would not come back from this.
TEST(Glob, DoesNotExplode) {
  const std::string text(5'000, 'a');
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  EXPECT_TRUE(matches_glob(text, pattern));
  EXPECT_FALSE(matches_glob(text, pattern + "b"));
}

TEST(Printable, LeavesTextAlone) {
  EXPECT_EQ(printable("plain text, grüße, 世界 🙂"), "plain text, grüße, 世界 🙂");
  EXPECT_EQ(printable("C:\\folder"), "C:\\folder");
  EXPECT_EQ(printable("\xef\xbf\xbd"), "\xef\xbf\xbd");  // a true U+FFFD
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, DisarmsTerminalEscapes) {
  EXPECT_EQ(printable("\x1b[31mred\x1b[0m"), "\\x1b[31mred\\x1b[0m");
  EXPECT_EQ(printable("\x1b]0;title\x07"), "\\x1b]0;title\\x07");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u{009b}31m");  // the one-character CSI
  EXPECT_EQ(printable("a\r\nb\tc\x7f"), "a\\x0d\\x0ab\\x09c\\x7f");
  EXPECT_EQ(printable("a\0b"s), "a\\x00b");
}

TEST(Printable, ShowsBidirectionalAndInvisibleCharacters) {
  EXPECT_EQ(printable("a\u202Eb\u2066c"), "a\\u{202e}b\\u{2066}c");
  EXPECT_EQ(printable("pay\u200Bpal"), "pay\\u{200b}pal");
  EXPECT_EQ(printable("\uFEFFx\u2028y"), "\\u{feff}x\\u{2028}y");
  EXPECT_EQ(printable("\U000E0041"), "\\u{e0041}");
}

TEST(Printable, ShowsIllFormedBytes) {
  EXPECT_EQ(printable("a\xff\xe1\x80z"), "a\\xff\\xe1\\x80z");
}

TEST(Printable, CutsToTheLimit) {
  EXPECT_EQ(printable("12345", 5), "12345");
  EXPECT_EQ(printable("123456", 5), "12…");
  EXPECT_EQ(printable(std::string(300, 'a')), std::string(197, 'a') + "…");
}

TEST(Printable, KeepsWithinEveryLimitAndInOnePiece) {
  const std::string text = "é\x1b[m世\u202E🙂\xff tail";
  const std::string whole = printable(text);
  for (std::size_t limit = 0; limit <= whole.size(); ++limit) {
    const std::string cut = printable(text, limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_EQ(first_invalid_utf8(cut), std::nullopt);
    std::string_view head = cut;
    if (head.ends_with("…")) head.remove_suffix(std::string_view("…").size());
    EXPECT_TRUE(whole.starts_with(head)) << cut;
  }
  EXPECT_EQ(printable("\x1b[31m", 6), "…");  // `\x1b` fits only without the ellipsis
  EXPECT_EQ(printable("\x1b[31m", 7), "\\x1b…");
}

}  // namespace
}  // namespace davy
