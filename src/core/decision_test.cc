#include "core/decision.h"

#include <gtest/gtest.h>

#include "generated/rules.h"

namespace davy {
namespace {

Finding seen(std::string message) {
  return make_finding(rules::kGuardrailsSanitizePhrase, std::move(message));
}

TEST(Decision, IsMadeByItsNameOnly) {
  static_assert(!std::is_default_constructible_v<Decision>);
  static_assert(!std::is_constructible_v<Decision, Decision::Kind, std::vector<Finding>>);
  EXPECT_EQ(Decision::allow().kind(), Decision::Kind::allow);
  EXPECT_EQ(Decision::redact({seen("a")}).kind(), Decision::Kind::redact);
  EXPECT_EQ(Decision::deny(seen("a")).kind(), Decision::Kind::deny);
}

TEST(Decision, OnlyADenialIsNotAllowed) {
  EXPECT_TRUE(Decision::allow().allowed());
  EXPECT_TRUE(Decision::redact({seen("a")}).allowed());
  EXPECT_FALSE(Decision::deny(seen("a")).allowed());
}

TEST(Decision, TheFindingThatDecidedComesFirst) {
  const Decision decision = Decision::deny(seen("decides"), {seen("b"), seen("c")});
  EXPECT_EQ(decision.reason().message, "decides");
  ASSERT_EQ(decision.findings().size(), 3U);
  EXPECT_EQ(decision.findings()[1].message, "b");
  EXPECT_EQ(decision.findings()[2].message, "c");
}

TEST(Decision, NamesItsKinds) {
  EXPECT_EQ(name(Decision::Kind::allow), "allow");
  EXPECT_EQ(name(Decision::Kind::redact), "redact");
  EXPECT_EQ(name(Decision::Kind::deny), "deny");
}

}  // namespace
}  // namespace davy
