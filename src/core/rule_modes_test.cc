#include "core/rule_modes.h"

#include <gtest/gtest.h>

#include "generated/rules.h"

namespace davy {
namespace {

constexpr RuleId kPhrase = rules::kGuardrailsSanitizePhrase;  // default: observe
constexpr RuleId kMissing = rules::kAccessKeysMissing;        // default: enforce
constexpr RuleId kRevoked = rules::kAccessKeysRevoked;
constexpr RuleId kContained = rules::kAccessControlContained;

ModeSetting set(std::string pattern, Mode mode, std::uint32_t line = 1) {
  return {std::move(pattern), mode, Place{"f.yaml", line, 3}};
}

TEST(RuleModes, BeginWithTheCataloguesDefaults) {
  const RuleModes modes = RuleModes::defaults();
  EXPECT_EQ(modes.mode(kPhrase), Mode::observe);
  EXPECT_EQ(modes.mode(kMissing), Mode::enforce);
}

TEST(RuleModes, RulesNewerThanTheEditionOnlyWatch) {
  EXPECT_EQ(RuleModes::defaults("2026.10").mode(kMissing), Mode::observe);
  EXPECT_EQ(RuleModes::defaults("2026.11").mode(kMissing), Mode::enforce);
  EXPECT_EQ(RuleModes::defaults("2027.01").mode(kMissing), Mode::enforce);
}

TEST(RuleModes, AllSetsEveryRule) {
  const RuleModes modes = RuleModes::all(Mode::enforce);
  for (std::size_t i = 0; i < catalogue().size(); ++i) {
    EXPECT_EQ(modes.mode(RuleId{static_cast<std::uint16_t>(i)}), Mode::enforce);
  }
}

TEST(RuleModes, TheLongestMatchWinsInAnyOrder) {
  const std::vector<ModeSetting> settings{set("access.*", Mode::off),
                                          set("access.keys.*", Mode::observe),
                                          set("access.keys.missing", Mode::enforce)};
  const std::vector<ModeSetting> reversed(settings.rbegin(), settings.rend());
  for (const auto& order : {settings, reversed}) {
    RuleModes modes = RuleModes::defaults();
    ASSERT_TRUE(modes.apply(order));
    EXPECT_EQ(modes.mode(kContained), Mode::off);
    EXPECT_EQ(modes.mode(kRevoked), Mode::observe);
    EXPECT_EQ(modes.mode(kMissing), Mode::enforce);
    EXPECT_EQ(modes.mode(kPhrase), Mode::observe) << "another pillar keeps its default";
  }
}

TEST(RuleModes, OfEqualPatternsTheLaterWins) {
  RuleModes modes = RuleModes::defaults();
  ASSERT_TRUE(modes.apply({set("access.keys.*", Mode::off), set("access.keys.*", Mode::observe)}));
  EXPECT_EQ(modes.mode(kMissing), Mode::observe);
}

TEST(RuleModes, APrefixEndsAtADot) {
  RuleModes modes = RuleModes::defaults();
  EXPECT_FALSE(modes.apply({set("access.ke.*", Mode::off)}));
  EXPECT_FALSE(modes.apply({set("access.keys.miss*", Mode::off)}));
  EXPECT_FALSE(modes.apply({set("*", Mode::off)}));
  EXPECT_FALSE(modes.apply({set(".*", Mode::off)}));
  EXPECT_FALSE(modes.apply({set("access", Mode::off)}));
  EXPECT_FALSE(modes.apply({set("", Mode::off)}));
  EXPECT_EQ(modes.mode(kMissing), Mode::enforce);
}

TEST(RuleModes, AnUnknownRuleIsAnErrorWithItsPlaceAndTheNearest) {
  RuleModes modes = RuleModes::defaults();
  const auto result = modes.apply(
      {set("guardrails.*", Mode::off, 4), set("guardrails.sanitise.phrase", Mode::enforce, 7)});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(result.error().place.text(), "f.yaml:7:3");
  EXPECT_NE(result.error().hint.find("guardrails.sanitize.phrase"), std::string::npos)
      << result.error().hint;
  EXPECT_EQ(modes.mode(kPhrase), Mode::observe) << "nothing is applied in part";
  const auto prefix = modes.apply({set("guardrail.*", Mode::off)});
  ASSERT_FALSE(prefix);
  EXPECT_NE(prefix.error().hint.find("guardrails.*"), std::string::npos);
}

TEST(RuleModes, AFloorOnlyMakesStricter) {
  RuleModes modes = RuleModes::defaults();
  ASSERT_TRUE(modes.apply({set("guardrails.sanitize.phrase", Mode::off),
                           set("access.keys.missing", Mode::enforce),
                           set("access.keys.revoked", Mode::off)}));
  ASSERT_TRUE(
      modes.apply_floor({set("guardrails.*", Mode::enforce), set("access.keys.*", Mode::observe)}));
  EXPECT_EQ(modes.mode(kPhrase), Mode::enforce);
  EXPECT_EQ(modes.mode(kMissing), Mode::enforce) << "a floor below lowers nothing";
  EXPECT_EQ(modes.mode(kRevoked), Mode::observe);
}

TEST(RuleModes, AFloorWithAnUnknownRuleIsAnError) {
  RuleModes modes = RuleModes::defaults();
  EXPECT_FALSE(modes.apply_floor({set("access.kyes.*", Mode::enforce)}));
}

}  // namespace
}  // namespace davy
