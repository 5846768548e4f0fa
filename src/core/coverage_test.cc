#include "core/coverage.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

TEST(Coverage, CountsWhatWasLeftOutAndWhetherThatIsFatal) {
  Coverage coverage;
  EXPECT_FALSE(coverage.any_fatal());
  coverage.skip({"a", "excluded", false}, 10);
  EXPECT_FALSE(coverage.any_fatal());
  coverage.skip({"b", "permission denied", true}, 5);
  EXPECT_TRUE(coverage.any_fatal());
  EXPECT_EQ(coverage.not_examined_bytes, 15U);
  EXPECT_EQ(coverage.not_examined.size(), 2U);
}

TEST(Coverage, EntriesAboveTheBoundAreCountedAndAFatalOneIsNotForgotten) {
  Coverage coverage;
  for (std::size_t i = 0; i < Coverage::kMaxNotExamined + 2; ++i) {
    coverage.skip({"x", "why", i == Coverage::kMaxNotExamined + 1}, 1);
  }
  EXPECT_EQ(coverage.not_examined.size(), Coverage::kMaxNotExamined);
  EXPECT_EQ(coverage.not_listed, 2U);
  EXPECT_EQ(coverage.not_examined_bytes, Coverage::kMaxNotExamined + 2);
  EXPECT_TRUE(coverage.any_fatal());
}

TEST(Coverage, MergingAddsUpAndLosesNothing) {
  Coverage all;
  all.examined = 1;
  all.examined_bytes = 10;
  Coverage more;
  more.examined = 2;
  more.examined_bytes = 20;
  for (std::size_t i = 0; i < Coverage::kMaxNotExamined; ++i) more.skip({"x", "why", false}, 1);
  more.skip({"unlisted", "why", true}, 1);
  all.skip({"mine", "why", false}, 1);
  all.merge(std::move(more));
  EXPECT_EQ(all.examined, 3U);
  EXPECT_EQ(all.examined_bytes, 30U);
  EXPECT_EQ(all.not_examined.size(), Coverage::kMaxNotExamined);
  EXPECT_EQ(all.not_listed, 2U);
  EXPECT_EQ(all.not_examined_bytes, Coverage::kMaxNotExamined + 2);
  EXPECT_TRUE(all.any_fatal());
}

}  // namespace
}  // namespace davy
