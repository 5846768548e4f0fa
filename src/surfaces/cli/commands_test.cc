#include "surfaces/cli/commands.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "generated/rules.h"
#include "surfaces/cli/command_harness.h"

namespace davy::cli {
namespace {

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(RulesCommand, ListsEveryRuleWithItsDefault) {
  const Ran ran = run(rules_command());
  EXPECT_EQ(ran.status, kExitClean);
  for (const RuleInfo& rule : catalogue()) EXPECT_TRUE(holds(ran.out, rule.id)) << rule.id;
  EXPECT_TRUE(holds(ran.out, "DEFAULT"));
  EXPECT_EQ(ran.err, "");
}

TEST(RulesCommand, ShowsTheModesOfAConfiguration) {
  FakeSnapshots snapshots;
  snapshots.settings.rules = {{"guardrails.sanitize.phrase", Mode::enforce, {}}};
  const Ran ran = run(rules_command(), {"-c", "x.yaml", "-o", "json"}, snapshots);
  ASSERT_EQ(ran.status, kExitClean) << ran.err;
  EXPECT_EQ(snapshots.asked, std::vector<std::string>{"x.yaml"});
  const auto document = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(document.at("catalogue").as_string(), catalogue_digest());
  const auto& rules = document.at("rules").as_array();
  ASSERT_EQ(rules.size(), catalogue().size());
  const auto& phrase = rules[rules::kGuardrailsSanitizePhrase.index].as_object();
  EXPECT_EQ(phrase.at("rule").as_string(), "guardrails.sanitize.phrase");
  EXPECT_EQ(phrase.at("mode").as_string(), "enforce");
  EXPECT_EQ(phrase.at("default_mode").as_string(), "observe");
}

TEST(RulesCommand, ABrokenConfigurationIsTrouble) {
  FakeSnapshots snapshots;
  snapshots.found.error("broken", {"x.yaml", 1, 1});
  const Ran ran = run(rules_command(), {"-c", "x.yaml"}, snapshots);
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(holds(ran.err, "x.yaml:1:1: error: broken"));
}

TEST(RulesCommand, AnUnknownFormatIsRefused) {
  const Ran ran = run(rules_command(), {"-o", "xml"});
  EXPECT_EQ(ran.status, kUsage);
  EXPECT_TRUE(holds(ran.err, "table")) << ran.err;
}

TEST(ExplainCommand, SaysWhyAndWhatToDo) {
  const Ran ran = run(explain_command(), {"access.keys.missing"});
  EXPECT_EQ(ran.status, kExitClean);
  const RuleInfo& rule = info(rules::kAccessKeysMissing);
  EXPECT_TRUE(holds(ran.out, rule.title));
  EXPECT_TRUE(holds(ran.out, "default mode enforce"));
  EXPECT_TRUE(holds(ran.out, "nobody can say who calls"));
  EXPECT_TRUE(holds(ran.out, "Authorization: Bearer"));
  EXPECT_TRUE(holds(ran.out, "OWASP API (2023): API2"));
}

TEST(ExplainCommand, GivesEveryFieldAsJson) {
  for (const RuleInfo& rule : catalogue()) {
    const Ran ran = run(explain_command(), {std::string(rule.id), "-o", "json"});
    ASSERT_EQ(ran.status, kExitClean);
    const auto document = boost::json::parse(ran.out).as_object();
    EXPECT_EQ(document.at("rule").as_string(), rule.id);
    EXPECT_EQ(document.at("why").as_string(), rule.why);
    EXPECT_EQ(document.at("fix").as_string(), rule.fix);
    EXPECT_EQ(document.at("references").as_array().size(), rule.references.size());
  }
}

TEST(ExplainCommand, ATypoGetsTheNearestRule) {
  const Ran ran = run(explain_command(), {"access.key.missing"});
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_EQ(ran.out, "");
  EXPECT_TRUE(holds(ran.err, "there is no rule \"access.key.missing\""));
  EXPECT_TRUE(holds(ran.err, "did you mean access.keys.missing")) << ran.err;
}

TEST(ExplainCommand, APartOfAnIdGetsTheRulesThatHoldIt) {
  const Ran ran = run(explain_command(), {"phrase"});
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_TRUE(holds(ran.err, "guardrails.sanitize.phrase")) << ran.err;
}

TEST(ExplainCommand, AnythingElseIsToldWhereTheListIs) {
  const Ran ran = run(explain_command(), {"\x1b[31mqqqqqqqqqqqqqqqq"});
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_TRUE(holds(ran.err, "`davy rules` lists all"));
  EXPECT_FALSE(holds(ran.err, "\x1b"));
}

TEST(ExplainCommand, NeedsARule) { EXPECT_EQ(run(explain_command()).status, kUsage); }

constexpr ModuleInfo kModules[] = {
    {"pillars/a/b", "Who?", Maturity::usable, Posture::untrusted_input},
    {"pillars/c/d", "What?", Maturity::experimental, Posture::trusted_only}};

TEST(ModulesCommand, TellsMaturityAndPosture) {
  FakeSnapshots snapshots;
  const Ran table = run(modules_command(), {}, snapshots, kModules);
  EXPECT_EQ(table.status, kExitClean);
  EXPECT_TRUE(holds(table.out, "pillars/a/b  usable        untrusted_input  Who?")) << table.out;
  const Ran json = run(modules_command(), {"--output", "json"}, snapshots, kModules);
  const auto modules = boost::json::parse(json.out).as_object().at("modules").as_array();
  ASSERT_EQ(modules.size(), 2u);
  EXPECT_EQ(modules[1].as_object().at("posture").as_string(), "trusted_only");
  EXPECT_EQ(modules[1].as_object().at("answers").as_string(), "What?");
}

TEST(CheckCommand, AFineConfigurationIsSummarised) {
  FakeSnapshots snapshots;
  snapshots.settings.rules = {{"access.control.contained", Mode::off, {}}};
  snapshots.settings.models.resize(1);
  snapshots.found.warning("careful", {"x.yaml", 3, 1});
  const Ran ran = run(check_command(), {"-c", "x.yaml"}, snapshots);
  EXPECT_EQ(ran.status, kExitClean);
  EXPECT_TRUE(holds(ran.out, "x.yaml: fine, with 1 model, 0 experiments and 1 warning\n"));
  EXPECT_TRUE(holds(ran.out, "policy d1ge57\n"));
  EXPECT_TRUE(holds(ran.out, "Enforced: these act ("));
  EXPECT_TRUE(holds(ran.out, "Observed: these record and change nothing ("));
  EXPECT_TRUE(holds(ran.out, "Off (1)\n  access.control.contained\n")) << ran.out;
  EXPECT_TRUE(holds(ran.err, "x.yaml:3:1: warning: careful\n"));
}

TEST(CheckCommand, AFolderWithManyRulesOfOneModeIsOneEntry) {
  FakeSnapshots snapshots;
  const Ran whole = run(check_command(), {}, snapshots);
  EXPECT_TRUE(holds(whole.out, " access.keys.*")) << whole.out;
  EXPECT_FALSE(holds(whole.out, "access.keys.missing")) << whole.out;
  snapshots.settings.rules = {{"access.keys.missing", Mode::off, {}}};
  const Ran split = run(check_command(), {}, snapshots);
  EXPECT_FALSE(holds(split.out, "access.keys.*")) << split.out;
  EXPECT_TRUE(holds(split.out, "Off (1)\n  access.keys.missing\n")) << split.out;
}

TEST(CheckCommand, EveryMistakeIsShownAndCounted) {
  FakeSnapshots snapshots;
  snapshots.found.error("two", {"x.yaml", 2, 1}, "mend it");
  snapshots.found.error("one", {"x.yaml", 1, 1});
  snapshots.found.warning("three", {"x.yaml", 3, 1});
  const Ran ran = run(check_command(), {"-c", "x.yaml"}, snapshots);
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "x.yaml:1:1: error: one\n"
            "x.yaml:2:1: error: two\n  = mend it\n"
            "x.yaml:3:1: warning: three\n"
            "x.yaml: 2 errors, 1 warning\n");
}

TEST(CheckCommand, TheDefaultIsTheFileInThisFolder) {
  FakeSnapshots snapshots;
  (void)run(check_command(), {}, snapshots);
  EXPECT_EQ(snapshots.asked, std::vector<std::string>{"./davylamp.yaml"});
}

TEST(HealthCommand, NobodyThereIsNotReadyAndABadConfigurationIsTrouble) {
  FakeSnapshots snapshots;
  snapshots.settings.admin = {"127.0.0.1", 1, {}};
  const Ran ran = run(health_command(), {"-c", "x.yaml"}, snapshots);
  EXPECT_EQ(ran.status, kExitFindings);
  EXPECT_TRUE(holds(ran.err, "not ready: http://127.0.0.1:1")) << ran.err;
  EXPECT_EQ(snapshots.asked, std::vector<std::string>{"x.yaml"});
  snapshots.found.error("broken", {"x.yaml", 1, 1});
  EXPECT_EQ(run(health_command(), {}, snapshots).status, kExitTrouble);
}

TEST(CheckCommand, AnExpiredExperimentIsAWarning) {
  FakeSnapshots snapshots;
  Experiment experiment;
  experiment.name = "old";
  experiment.expires = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1);
  snapshots.settings.experiments = {experiment};
  const auto run_on = [&](std::chrono::sys_days day) {
    return run(check_command(), {}, snapshots, {}, day);
  };
  EXPECT_TRUE(holds(run_on(*experiment.expires + std::chrono::days(1)).err, "\"old\" has expired"));
  EXPECT_EQ(run_on(*experiment.expires).err, "");
}

}  // namespace
}  // namespace davy::cli
