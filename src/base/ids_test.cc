#include "base/ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

namespace davy {
namespace {

WallTime at_millis(std::int64_t millis) { return WallTime{std::chrono::milliseconds(millis)}; }

TEST(RandomBytes, FillsAllAndDiffers) {
  // More than getrandom() promises to give at once.
  std::vector<std::byte> a(100'000);
  std::vector<std::byte> b(100'000);
  random_bytes(a);
  random_bytes(b);
  EXPECT_NE(a, b);
  // Each of 256 values is there, with a chance of error far below 1e-100.
  EXPECT_EQ(std::set<std::byte>(a.begin(), a.end()).size(), 256U);
  EXPECT_EQ(std::set<std::byte>(a.end() - 5'000, a.end()).size(), 256U);
  random_bytes({});
}

TEST(RandomBase62, HasTheLengthAndTheAlphabet) {
  EXPECT_EQ(random_base62(0), "");
  EXPECT_EQ(random_base62(43).size(), 43U);
  EXPECT_NE(random_base62(43), random_base62(43));
  for (const char c : random_base62(10'000)) {
    EXPECT_TRUE((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
  }
}

// A plain modulo would give the first 8 characters 25 % more than the others: a
// chi-square of about 2,400 here; a uniform source stays below 160 but once in 1e10.
TEST(RandomBase62, IsUniform) {
  constexpr std::size_t kCount = 620'000;
  std::array<double, 256> counts{};
  for (const char c : random_base62(kCount)) ++counts[static_cast<unsigned char>(c)];
  double chi_square = 0;
  for (const double count : counts) {
    if (count != 0) chi_square += (count - kCount / 62.0) * (count - kCount / 62.0);
  }
  chi_square /= kCount / 62.0;
  EXPECT_LT(chi_square, 160);
}

TEST(RequestId, HasItsForm) {
  const std::string id = new_request_id(at_millis(1795499071042));
  EXPECT_EQ(id.size(), 24U);
  EXPECT_TRUE(is_request_id(id)) << id;
  EXPECT_TRUE(id.starts_with("req_"));
}

TEST(RequestId, HoldsTheTimeInCrockfordsBase32) {
  EXPECT_EQ(new_request_id(at_millis(0)).substr(4, 9), "000000000");
  EXPECT_EQ(new_request_id(at_millis(31)).substr(4, 9), "00000000z");
  EXPECT_EQ(new_request_id(at_millis(32)).substr(4, 9), "000000010");
  EXPECT_EQ(new_request_id(at_millis(-5)).substr(4, 9), "000000000");
}

TEST(RequestId, SortsByTime) {
  std::vector<std::string> ids;
  constexpr std::int64_t kYear2255 = 9'000'000'000'000;
  for (std::int64_t millis = 1; millis < kYear2255; millis = millis * 3 / 2 + 1) {
    ids.push_back(new_request_id(at_millis(millis)));
  }
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
}

TEST(RequestId, DiffersWithinOneMillisecond) {
  std::set<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.insert(new_request_id(at_millis(7)));
  EXPECT_EQ(ids.size(), 1'000U);
}

TEST(RequestId, IsToldFromOtherText) {
  const std::string good = "req_0123456789abcdefghjk";
  EXPECT_TRUE(is_request_id(good));
  for (const char bad : {'i', 'l', 'o', 'u', 'A', '-', '/', '.', ' ', '\0', '\n'}) {
    for (const std::size_t at : {std::size_t{4}, std::size_t{12}, std::size_t{23}}) {
      std::string text = good;
      text[at] = bad;
      EXPECT_FALSE(is_request_id(text)) << text;
    }
  }
  EXPECT_FALSE(is_request_id(""));
  EXPECT_FALSE(is_request_id("req_"));
  EXPECT_FALSE(is_request_id(good.substr(1)));
  EXPECT_FALSE(is_request_id(good + "0"));
  EXPECT_FALSE(is_request_id("rex_" + good.substr(4)));
}

TEST(Crc32, GivesTheKnownAnswers) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("a"), 0xE8B7BE43U);
  EXPECT_EQ(crc32(std::string(32, '\xff')), 0xFF6CAB0BU);
}

TEST(Base62, PadsToTheWidth) {
  EXPECT_EQ(base62(0, 0), "0");
  EXPECT_EQ(base62(0, 6), "000000");
  EXPECT_EQ(base62(61, 1), "z");
  EXPECT_EQ(base62(62, 1), "10");
  EXPECT_EQ(base62(10, 2), "0A");
  EXPECT_EQ(base62(0xFFFFFFFFU, 6), "4gfFC3");
  EXPECT_EQ(base62(UINT64_MAX, 0), "LygHa16AHYF");
}

}  // namespace
}  // namespace davy
