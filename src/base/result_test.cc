#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace davy {
namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return invalid_input("not a digit", {"input", 1, 7}, "use 0 to 9");
  return c - '0';
}

Result<int> sum(char a, char b) {
  DAVY_ASSIGN(const int x, parse_digit(a));
  DAVY_ASSIGN(const int y, parse_digit(b));
  return x + y;
}

Result<void> check(char a) {
  DAVY_TRY(parse_digit(a));
  return {};
}

TEST(Result, CarriesAValueOrAnError) {
  EXPECT_EQ(sum('2', '3').value(), 5);
  const auto bad = sum('2', 'x');
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(bad.error().text(), "input:1:7: not a digit (use 0 to 9)");
  EXPECT_TRUE(check('1').ok());
  EXPECT_FALSE(check('-').ok());
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(4);
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 4);
}

TEST(Place, LeavesOutWhatIsUnknown) {
  EXPECT_EQ((Place{"a.yaml", 3, 0}).text(), "a.yaml:3");
  EXPECT_EQ((Place{"", 3, 2}).text(), "line 3:2");
  EXPECT_EQ(Place{}.text(), "");
}

}  // namespace
}  // namespace davy
