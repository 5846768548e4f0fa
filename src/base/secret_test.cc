#include "base/secret.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <type_traits>

namespace davy {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Comparable = requires(const T& a, const T& b) {
  { a == b } -> std::convertible_to<bool>;
};

static_assert(!Printable<Secret>);
static_assert(!Comparable<Secret>);
static_assert(!std::is_copy_constructible_v<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

TEST(Secret, TakesTheBytesAndWipesTheSource) {
  std::string source = "correct horse battery staple";
  char* const where = source.data();
  const Secret secret(std::move(source));
  EXPECT_EQ(secret.expose(), "correct horse battery staple");
  EXPECT_EQ(std::string_view(where, 4), std::string_view("\0\0\0\0", 4));
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  Secret a = Secret::copy_of("one");
  Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is the claim
  EXPECT_EQ(b.expose(), "one");
  b = Secret::copy_of("two");
  EXPECT_EQ(b.expose(), "two");
}

TEST(EqualConstantTime, ComparesAllBytes) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "ab"));
}

TEST(AppendWiping, AppendsWithAndWithoutGrowing) {
  std::string out;
  std::string wanted;
  for (const std::string_view part :
       {"", "a", "some more", "and much more than there was room for"}) {
    append_wiping(out, part);
    wanted += part;
    EXPECT_EQ(out, wanted);
  }
}

}  // namespace
}  // namespace davy
