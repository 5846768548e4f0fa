#include "core/rule.h"

#include <gtest/gtest.h>

#include <string>

#include "generated/rules.h"

namespace davy {
namespace {

TEST(Catalogue, IsSortedSoThatAHandleIsAPosition) {
  const auto rules = catalogue();
  ASSERT_FALSE(rules.empty());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(rules[i - 1].id, rules[i].id);
    }
    const auto found = find_rule(rules[i].id);
    ASSERT_TRUE(found) << rules[i].id;
    EXPECT_EQ(found->index, i);
    EXPECT_EQ(name(*found), rules[i].id);
  }
}

TEST(Catalogue, EveryRuleSaysWhatItIsAndWhatToDo) {
  for (const RuleInfo& rule : catalogue()) {
    EXPECT_FALSE(rule.title.empty()) << rule.id;
    EXPECT_FALSE(rule.why.empty()) << rule.id;
    EXPECT_FALSE(rule.fix.empty()) << rule.id;
    ASSERT_FALSE(rule.references.empty()) << rule.id;
    for (const Reference& reference : rule.references) {
      EXPECT_FALSE(reference.framework.empty() || reference.edition.empty() || reference.id.empty())
          << rule.id;
    }
  }
}

TEST(Catalogue, ConstantsNameTheirRules) {
  EXPECT_EQ(name(rules::kAccessKeysMissing), "access.keys.missing");
  EXPECT_EQ(name(rules::kGuardrailsSanitizePhrase), "guardrails.sanitize.phrase");
  EXPECT_EQ(info(rules::kGuardrailsSanitizePhrase).severity, Severity::high);
  EXPECT_EQ(info(rules::kGuardrailsSanitizePhrase).default_mode, Mode::observe);
}

TEST(Catalogue, GatewayRulesBelongToAccess) {
  EXPECT_EQ(info(rules::kGatewayRouteUnknown).pillar, "access");
  EXPECT_EQ(info(rules::kGuardrailsSanitizePhrase).pillar, "guardrails");
}

TEST(Catalogue, TextKeepsWhatIsNotAscii) {
  EXPECT_NE(info(rules::kAccessKeysMissing).fix.find("davy_\xE2\x80\xA6"), std::string_view::npos);
}

TEST(Catalogue, UnknownIdsAreNotFound) {
  for (const char* id : {"", "access", "access.keys", "access.keys.missin", "access.keys.missing2",
                         "zzz.zzz.zzz", "ACCESS.KEYS.MISSING"}) {
    EXPECT_FALSE(find_rule(id)) << id;
  }
}

TEST(Catalogue, DigestIsSha256InHex) {
  EXPECT_EQ(catalogue_digest().size(), 64u);
  EXPECT_EQ(catalogue_digest().find_first_not_of("0123456789abcdef"), std::string_view::npos);
}

TEST(Severity, NamesReadBack) {
  for (const Severity severity :
       {Severity::info, Severity::low, Severity::medium, Severity::high, Severity::critical}) {
    EXPECT_EQ(severity_from(name(severity)), severity);
  }
  EXPECT_FALSE(severity_from("High"));
  EXPECT_FALSE(severity_from(""));
  EXPECT_LT(Severity::medium, Severity::high);
}

TEST(Mode, NamesReadBackAndLaterIsStricter) {
  for (const Mode mode : {Mode::off, Mode::observe, Mode::enforce}) {
    EXPECT_EQ(mode_from(name(mode)), mode);
  }
  EXPECT_FALSE(mode_from("on"));
  EXPECT_LT(Mode::off, Mode::observe);
  EXPECT_LT(Mode::observe, Mode::enforce);
}

}  // namespace
}  // namespace davy
