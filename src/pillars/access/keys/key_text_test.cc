#include "pillars/access/keys/key_text.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/ids.h"

namespace davy::access {
namespace {

const std::string kId = "0123456789AB";
const std::string kSecret = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

TEST(KeyText, HasTheFormThatScannersCanRecognise) {
  const Secret key = format_key(kId, kSecret);
  // The check digits were computed with Python's zlib.crc32 and written in base62.
  EXPECT_EQ(key.expose(), "davy_" + kId + "_" + kSecret + "0S6DFS");
}

TEST(KeyText, NewKeysParseAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const Secret key = new_key();
    const auto parts = parse_key(key.expose());
    ASSERT_TRUE(parts.has_value());
    EXPECT_TRUE(is_key_id(parts->id));
    EXPECT_EQ(parts->secret.size(), kKeySecretSize);
    EXPECT_TRUE(seen.emplace(parts->id).second);
    EXPECT_TRUE(seen.emplace(parts->secret).second);
  }
}

TEST(KeyText, EveryChangeOfOneCharacterIsNoticed) {
  const Secret key = format_key(kId, kSecret);
  const std::string good(key.expose());
  ASSERT_TRUE(parse_key(good).has_value());
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char c : {'0', 'z', '_', '-', ' ', '\0', '\xc3'}) {
      if (good[at] == c) continue;
      std::string bad = good;
      bad[at] = c;
      EXPECT_FALSE(parse_key(bad).has_value()) << bad;
    }
  }
}

TEST(KeyText, CutLongerAndOtherTextIsRefused) {
  const Secret key = format_key(kId, kSecret);
  const std::string good(key.expose());
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_key(good.substr(0, size)).has_value());
  }
  EXPECT_FALSE(parse_key(good + "0").has_value());
  EXPECT_FALSE(parse_key(" " + good).has_value());
  EXPECT_FALSE(parse_key("sk-" + good.substr(3)).has_value());
}

TEST(KeyText, NeighboursThatChangePlacesAreNoticed) {
  const Secret key = format_key(kId, kSecret);
  for (std::size_t at = 5; at + 1 < key.size(); ++at) {
    std::string bad(key.expose());
    if (bad[at] == bad[at + 1]) continue;
    std::swap(bad[at], bad[at + 1]);
    EXPECT_FALSE(parse_key(bad).has_value()) << bad;
  }
}

TEST(KeyText, IdIsTwelveOfBase62) {
  EXPECT_TRUE(is_key_id(kId));
  for (const char* text : {"", "0123456789A", "0123456789ABC", "0123456789A_", "0123456789A "}) {
    EXPECT_FALSE(is_key_id(text)) << text;
  }
}

}  // namespace
}  // namespace davy::access
