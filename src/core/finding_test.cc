#include "core/finding.h"

#include <gtest/gtest.h>

#include <random>

#include "generated/rules.h"

namespace davy {
namespace {

using Edits = std::vector<Edit>;

Edit edit(std::size_t begin, std::size_t end, std::string with) { return {"", {begin, end}, with}; }

TEST(Finding, TakesItsSeverityFromTheCatalogue) {
  const Finding finding =
      make_finding(rules::kAccessControlContained, "blocked", {"f", 1, 2, "", {}});
  EXPECT_EQ(finding.severity, info(rules::kAccessControlContained).severity);
  EXPECT_EQ(finding.message, "blocked");
  EXPECT_EQ(finding.location.file, "f");
  EXPECT_EQ(finding.confidence, 1.0);
}

TEST(MergeEdits, OrdersAndKeepsWhatIsDisjoint) {
  EXPECT_EQ(merge_edits({edit(4, 6, "b"), edit(0, 2, "a"), edit(2, 4, "c")}),
            (Edits{edit(0, 2, "a"), edit(2, 4, "c"), edit(4, 6, "b")}));
  EXPECT_TRUE(merge_edits({}).empty());
}

TEST(MergeEdits, JoinsOverlapsUnderTheReplacementThatBeginsFirst) {
  EXPECT_EQ(merge_edits({edit(3, 9, "b"), edit(1, 4, "a")}), (Edits{edit(1, 9, "a")}));
  EXPECT_EQ(merge_edits({edit(0, 9, "a"), edit(2, 3, "b"), edit(8, 12, "c")}),
            (Edits{edit(0, 12, "a")}));
}

TEST(MergeEdits, OfEqualBeginsTheLongerThenTheEarlierWins) {
  EXPECT_EQ(merge_edits({edit(1, 2, "short"), edit(1, 5, "long")}), (Edits{edit(1, 5, "long")}));
  EXPECT_EQ(merge_edits({edit(1, 2, "first"), edit(1, 2, "second")}), (Edits{edit(1, 2, "first")}));
}

TEST(MergeEdits, InsertionsAtOnePlaceAreOne) {
  EXPECT_EQ(merge_edits({edit(3, 3, "a"), edit(3, 3, "b")}), (Edits{edit(3, 3, "a")}));
  EXPECT_EQ(merge_edits({edit(3, 3, "a"), edit(3, 5, "b")}), (Edits{edit(3, 5, "b")}));
  EXPECT_EQ(merge_edits({edit(1, 3, "a"), edit(3, 3, "b")}),
            (Edits{edit(1, 3, "a"), edit(3, 3, "b")}));
}

TEST(MergeEdits, IsDisjointIdempotentAndCoversTheSameBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    Edits edits;
    std::vector<bool> covered(40, false);
    for (std::size_t i = random() % 8; i > 0; --i) {
      const std::size_t begin = random() % 30;
      const std::size_t end = begin + random() % 10;
      edits.push_back(edit(begin, end, std::to_string(i)));
      for (std::size_t at = begin; at < end; ++at) covered[at] = true;
    }
    const Edits merged = merge_edits(edits);
    std::vector<bool> after(40, false);
    for (std::size_t i = 0; i < merged.size(); ++i) {
      if (i > 0) {
        ASSERT_GE(merged[i].span.begin, merged[i - 1].span.end);
        ASSERT_GT(merged[i].span.begin, merged[i - 1].span.begin);
      }
      for (std::size_t at = merged[i].span.begin; at < merged[i].span.end; ++at) after[at] = true;
    }
    ASSERT_EQ(after, covered);
    ASSERT_EQ(merge_edits(merged), merged);
  }
}

}  // namespace
}  // namespace davy
