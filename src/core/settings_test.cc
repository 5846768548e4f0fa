#include "core/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "core/settings_for_tests.h"
#include "generated/rules.h"

namespace davy {
namespace {

using settings_for_tests::read;
using settings_for_tests::Read;
using settings_for_tests::read_with;
using settings_for_tests::Tree;

ConfigNode model(std::vector<std::pair<std::string, ConfigNode>> more = {}) {
  std::vector<std::pair<std::string, ConfigNode>> entries{
      {"name", Tree::text("chat")},
      {"dialect", Tree::text("openai")},
      {"upstream", Tree::text("http://127.0.0.1:9001/v1")}};
  for (auto& entry : more) entries.push_back(std::move(entry));
  return Tree::map(std::move(entries));
}

ConfigNode experiment(std::vector<std::pair<std::string, ConfigNode>> more = {}) {
  std::vector<std::pair<std::string, ConfigNode>> entries{
      {"name", Tree::text("bot")},
      {"owner", Tree::text("team-a")},
      {"models", Tree::list({Tree::text("chat")})}};
  for (auto& entry : more) entries.push_back(std::move(entry));
  return Tree::map(std::move(entries));
}

std::string checked(const Settings& settings) {
  Read r;
  check_settings(settings, r.diagnostics);
  return r.all();
}

TEST(Endpoint, ReadsAddressesAndPorts) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:8080")->text(), "127.0.0.1:8080");
  EXPECT_EQ(parse_endpoint("localhost:1")->text(), "127.0.0.1:1");
  EXPECT_EQ(parse_endpoint("[::1]:8080")->text(), "[::1]:8080");
  EXPECT_EQ(parse_endpoint("0.0.0.0:0")->port, 0);
  EXPECT_EQ(parse_endpoint("10.0.0.1:65535")->port, 65535);
  const auto local = parse_endpoint("unix:/run/davy.sock");
  EXPECT_EQ(local->path, "/run/davy.sock");
  EXPECT_EQ(local->text(), "unix:/run/davy.sock");
  EXPECT_EQ(local->mode, 0660u);
}

TEST(Endpoint, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "8080",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:80x",
                           "::1:80",
                           "[::1]",
                           "[127.0.0.1]:80",
                           "[]:80",
                           "example.com:80",
                           "1.2.3:80",
                           "01.2.3.4.5:80",
                           "http://127.0.0.1:80",
                           "127.0.0.1 :80",
                           "unix:",
                           "unix:/run/",
                           "unix:@davy",
                           "unix"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

TEST(Endpoint, KnowsLoopback) {
  EXPECT_TRUE(parse_endpoint("127.0.0.1:1")->loopback());
  EXPECT_TRUE(parse_endpoint("127.9.9.9:1")->loopback());
  EXPECT_TRUE(parse_endpoint("[::1]:1")->loopback());
  EXPECT_TRUE(parse_endpoint("unix:/run/davy.sock")->loopback());
  EXPECT_FALSE(parse_endpoint("0.0.0.0:1")->loopback());
  EXPECT_FALSE(parse_endpoint("[::]:1")->loopback());
  EXPECT_FALSE(parse_endpoint("128.0.0.1:1")->loopback());
}

TEST(Settings, AnEmptyFileGivesTheDefaults) {
  const Read r = read(ConfigNode{});
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  ASSERT_EQ(r.content.settings.listen.size(), 1u);
  EXPECT_EQ(r.content.settings.listen[0].text(), "127.0.0.1:8080");
  EXPECT_EQ(r.content.settings.admin.text(), "127.0.0.1:8081");
  EXPECT_EQ(r.content.settings.home, "./davylamp-home");
  EXPECT_EQ(r.content.settings.evidence, Evidence::best_effort);
  EXPECT_EQ(r.content.settings.content, ContentPolicy::findings);
}

TEST(Settings, ReadsAModelAndAnExperiment) {
  const Read r = read(Tree::map(
      {{"models", Tree::list({model({{"unexamined", Tree::text("allow")},
                                     {"credential", Tree::text("env:KEY")}})})},
       {"experiments", Tree::list({experiment({{"stage", Tree::text("staging")},
                                               {"expires", Tree::text("2027-03-31")},
                                               {"purpose", Tree::text("answer questions")},
                                               {"denial_detail", Tree::text("minimal")}})})}}));
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  ASSERT_EQ(r.content.settings.models.size(), 1u);
  const Model& m = r.content.settings.models[0];
  EXPECT_EQ(m.name, "chat");
  EXPECT_EQ(m.upstreams.at(0).url.authority(), "127.0.0.1:9001");
  EXPECT_EQ(m.unexamined, Unexamined::allow);
  EXPECT_EQ(m.upstreams.at(0).credential.name, "KEY");
  ASSERT_EQ(r.content.settings.experiments.size(), 1u);
  const Experiment& e = r.content.settings.experiments[0];
  EXPECT_EQ(e.stage, Lifecycle::staging);
  EXPECT_EQ(e.detail(), DenialDetail::minimal);
  ASSERT_TRUE(e.expires);
  EXPECT_EQ(e.expires->time_since_epoch().count(), 20908);  // days to 2027-03-31
}

TEST(Settings, AdminStaysOnLoopback) {
  const Read r = read_with("admin", Tree::text("0.0.0.0:8081"));
  EXPECT_FALSE(r.diagnostics.ok());
  EXPECT_TRUE(r.says("only a loopback address"));
}

TEST(Settings, ReadsHowLongExchangesMayGoOn) {
  const DrainTimes defaults = read(ConfigNode{}).content.settings.drain;
  EXPECT_EQ(defaults.stop, std::chrono::seconds(25));
  EXPECT_EQ(defaults.take_over, std::chrono::hours(1));
  const Read r = read(Tree::map(
      {{"drain_timeout", Tree::text("0s")}, {"take_over_drain_timeout", Tree::text("90s")}}));
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  EXPECT_EQ(r.content.settings.drain.stop, std::chrono::seconds(0));
  EXPECT_EQ(r.content.settings.drain.take_over, std::chrono::seconds(90));
  EXPECT_TRUE(read_with("drain_timeout", Tree::text("2d")).says("drain_timeout"));
  EXPECT_FALSE(read_with("drain_timeout", Tree::text("25h")).diagnostics.ok());
}

TEST(Settings, KeysAreOptionalOnLoopbackOnly) {
  const auto root = [](const char* listen) {
    return Tree::map({{"listen", Tree::text(listen)},
                      {"access", Tree::map({{"keys", Tree::text("optional")}})}});
  };
  EXPECT_TRUE(read(root("0.0.0.0:1")).says("allowed only where we listen on loopback"));
  EXPECT_FALSE(read(root("127.0.0.1:1")).says("allowed only where we listen on loopback"));
}

TEST(Settings, ACredentialWrittenIntoTheFileIsRefusedWithoutEcho) {
  for (const char* secret : {"sk-abcdef123456", "Bearer sk-abcdef123456", "env:sk-abcdef123456",
                             "vault:sk-abcdef123456", "ENV:sk-abcdef123456", "sk-abcdef123456:x"}) {
    const Read r = read_with("models", Tree::list({model({{"credential", Tree::text(secret)}})}));
    EXPECT_FALSE(r.diagnostics.ok()) << secret;
    EXPECT_EQ(r.all().find("abcdef"), std::string::npos) << r.all();
    EXPECT_TRUE(r.says("models[0].credential")) << r.all();
  }
}

TEST(Settings, AnUpstreamWithAPasswordIsRefusedWithoutEcho) {
  const Read r = read_with(
      "models",
      Tree::list({Tree::map({{"name", Tree::text("chat")},
                             {"dialect", Tree::text("openai")},
                             {"upstream", Tree::text("https://u:hunter2@example.com")}})}));
  EXPECT_FALSE(r.diagnostics.ok());
  EXPECT_EQ(r.all().find("hunter2"), std::string::npos) << r.all();
  EXPECT_TRUE(r.says("user information")) << r.all();
}

TEST(Settings, CredentialPathsAreRelativeToTheFileThatNamesThem) {
  const auto name = [](const char* text) {
    const Read r = read_with("models", Tree::list({model({{"credential", Tree::text(text)}})}));
    EXPECT_TRUE(r.diagnostics.ok()) << r.all();
    return r.content.settings.models.at(0).upstreams.at(0).credential.name;
  };
  EXPECT_EQ(name("file:secrets/key"), "etc/secrets/key");
  EXPECT_EQ(name("file:/run/key"), "/run/key");
  EXPECT_EQ(name("kubernetes:mount/key"), "etc/mount/key");
  EXPECT_EQ(name("env:KEY"), "KEY");
}

TEST(Settings, AModelNeedsOneKindOfUpstream) {
  const Read none = read_with(
      "models",
      Tree::list({Tree::map({{"name", Tree::text("chat")}, {"dialect", Tree::text("openai")}})}));
  EXPECT_TRUE(none.says("write either \"upstream\" or \"upstreams\"")) << none.all();
  const Read both = read_with(
      "models", Tree::list({model({{"upstreams", Tree::list({Tree::text("http://a:1")})}})}));
  EXPECT_TRUE(both.says("write either \"upstream\" or \"upstreams\"")) << both.all();
}

TEST(Settings, HostsOfModels) {
  const auto hosts = [](const char* name, const char* host) {
    return Tree::map({{"name", Tree::text(name)},
                      {"dialect", Tree::text("openai")},
                      {"hosts", Tree::list({Tree::text(host)})},
                      {"upstream", Tree::text("http://127.0.0.1:9002")}});
  };
  const Read fine = read_with("models", Tree::list({hosts("a", "A.Example.com"), hosts("b", "b")}));
  ASSERT_TRUE(fine.diagnostics.ok()) << fine.all();
  EXPECT_EQ(fine.content.settings.models.at(0).hosts, (std::vector<std::string>{"a.example.com"}));
  for (const char* bad : {"https://a", "a:80", "a/b", "", "*.a"}) {
    EXPECT_TRUE(read_with("models", Tree::list({hosts("a", bad)})).says("not the name of a host"))
        << bad;
  }
  const Read twice = read_with("models", Tree::list({hosts("a", "x.y"), hosts("b", "X.Y")}));
  EXPECT_NE(checked(twice.content.settings).find("the host x.y stands twice"), std::string::npos);
}

TEST(Settings, ADialectIsOneOfThoseThatAreServed) {
  const auto root = [](const char* dialect) {
    return Tree::list({Tree::map({{"name", Tree::text("fraud")},
                                  {"dialect", Tree::text(dialect)},
                                  {"upstream", Tree::text("http://127.0.0.1:9002")}})});
  };
  const Read served = read_with("models", root("predict"));
  EXPECT_TRUE(served.diagnostics.ok()) << served.all();
  EXPECT_FALSE(served.says("dialect")) << served.all();
  const Read never = read_with("models", root("opnai"));
  EXPECT_FALSE(never.diagnostics.ok());
  EXPECT_TRUE(never.says("did you mean openai?")) << never.all();
}

TEST(Settings, EachMistakeIsReportedNotOnlyTheFirst) {
  const Read r =
      read(Tree::map({{"listen", Tree::text("nowhere")},
                      {"admin", Tree::list({})},
                      {"rules_edition", Tree::text("newest")},
                      {"models", Tree::list({model({{"dialekt", Tree::text("x")}})})},
                      {"experiments", Tree::list({experiment({{"expires", Tree::text("2027-02-30")},
                                                              {"stage", Tree::text("prod")}})})},
                      {"rules", Tree::map({{"access.*", Tree::text("on")}})},
                      {"monitering", Tree::map({})}}));
  for (const char* part :
       {"listen: there is no port", "admin: expected text", "rules_edition: not an edition",
        "unknown key \"dialekt\" in models[0] (did you mean \"dialect\"?)",
        "not a day of the calendar",
        "experiments[0].stage: expected one of sandbox, staging, production",
        "rules: expected one of off, observe, enforce for access.*",
        "unknown key \"monitering\" (did you mean \"monitoring\"?)"}) {
    EXPECT_TRUE(r.says(part)) << part << "\n" << r.all();
  }
}

TEST(Settings, NamesWithStrangeLettersAreRefused) {
  for (const char* bad : {"a b", "a\nb", "a\"b", "\xC3\xBC"}) {
    Read r = read_with("experiments", Tree::list({Tree::map({{"name", Tree::text(bad)},
                                                             {"owner", Tree::text("o")},
                                                             {"models", Tree::text("m")}})}));
    EXPECT_TRUE(r.says("experiments[0].name: not a usable name")) << r.all();
  }
}

TEST(Settings, WhatIsNotActedUponIsAWarningNeverSilence) {
  const Read r = read(Tree::map(
      {{"models",
        Tree::list({model({{"price", Tree::map({{"input_per_million", Tree::text("0.15")}})},
                           {"max_output_tokens", Tree::text("4096")}})})},
       {"experiments",
        Tree::list({experiment({{"budget", Tree::map({{"usd_per_day", Tree::text("5")}})},
                                {"datasets", Tree::text("d")},
                                {"usage_plan", Tree::text("plan")}})})},
       {"guardrails", Tree::map({{"rails", Tree::text("r")},
                                 {"waf", Tree::text("w")},
                                 {"egress_hosts", Tree::text("h")}})},
       {"monitoring",
        Tree::map({{"monitors", Tree::text("m")}, {"integrity", Tree::text("i")}})}}));
  EXPECT_TRUE(r.diagnostics.ok()) << r.all();
  for (const char* key : {"models[0].price", "models[0].max_output_tokens", "experiments[0].budget",
                          "experiments[0].usage_plan", "experiments[0].datasets",
                          "guardrails.rails", "guardrails.waf", "guardrails.egress_hosts",
                          "monitoring.monitors", "monitoring.integrity"}) {
    EXPECT_TRUE(r.says(std::string(key) + " is read but not enforced by this version")) << key;
  }
  EXPECT_EQ(r.diagnostics.all().size(), 10u) << r.all();
}

TEST(Settings, WhatIsNotActedUponIsStillChecked) {
  const Read r = read(Tree::map(
      {{"models", Tree::list({model({{"price", Tree::map({{"input", Tree::text("1")}})},
                                     {"max_output_tokens", Tree::text("many")}})})},
       {"experiments",
        Tree::list({experiment({{"budget", Tree::map({{"usd_per_day", Tree::text("-5")}})}})})},
       {"guardrails", Tree::map({{"rails", Tree::map({})}})}}));
  EXPECT_TRUE(r.says("unknown key \"input\" in models[0].price")) << r.all();
  EXPECT_TRUE(r.says("models[0].max_output_tokens: expected a whole number"));
  EXPECT_TRUE(r.says("experiments[0].budget.usd_per_day: expected a number"));
  EXPECT_TRUE(r.says("guardrails.rails: expected text or a list of texts"));
}

struct Phrases final : ConfigValue {
  bool present = false;
  std::string word;
};
class PhrasesSection final : public ConfigSection {
 public:
  explicit PhrasesSection(std::string path) : path_(std::move(path)) {}
  std::string_view path() const noexcept override { return path_; }
  std::unique_ptr<const ConfigValue> read(ConfigMap& map) const override {
    auto value = std::make_unique<Phrases>();
    value->present = map.present();
    value->word = map.text("word").value_or("default");
    return value;
  }

 private:
  std::string path_;
};

TEST(Settings, FoldersReadTheSectionOfTheirName) {
  std::vector<std::unique_ptr<ConfigSection>> sections;
  sections.push_back(std::make_unique<PhrasesSection>("guardrails.sanitize"));
  sections.push_back(std::make_unique<PhrasesSection>("access"));
  sections.push_back(std::make_unique<PhrasesSection>("guardrails.output"));
  const Read r = read(
      Tree::map({{"guardrails", Tree::map({{"sanitize", Tree::map({{"word", Tree::text("x")},
                                                                   {"wordd", Tree::text("y")}})},
                                           {"sanitise", Tree::map({})}})},
                 {"access", Tree::map({{"word", Tree::text("z")}})}}),
      sections);
  EXPECT_EQ(r.content.config.section<Phrases>("guardrails.sanitize")->word, "x");
  EXPECT_EQ(r.content.config.section<Phrases>("access")->word, "z");
  EXPECT_FALSE(r.content.config.section<Phrases>("guardrails.output")->present);
  EXPECT_EQ(r.content.config.section<Phrases>("guardrails.output")->word, "default");
  EXPECT_TRUE(r.says("unknown key \"wordd\" in guardrails.sanitize (did you mean \"word\"?)"));
  EXPECT_TRUE(r.says("unknown key \"sanitise\" in guardrails (did you mean \"sanitize\"?)"));
  EXPECT_EQ(r.diagnostics.all().size(), 2u) << r.all();
}

TEST(TeamFile, BindsItsExperimentsToItsOwner) {
  Diagnostics diagnostics;
  const TeamFile file = read_team_file(
      Tree::map({{"owner", Tree::text("team-a")},
                 {"experiments",
                  Tree::list({experiment(), Tree::map({{"name", Tree::text("two")},
                                                       {"models", Tree::text("chat")}})})}}),
      diagnostics);
  EXPECT_TRUE(diagnostics.ok());
  ASSERT_EQ(file.experiments.size(), 2u);
  EXPECT_EQ(file.experiments[1].owner, "team-a");
  Diagnostics foreign;
  (void)read_team_file(
      Tree::map({{"owner", Tree::text("team-b")}, {"experiments", Tree::list({experiment()})}}),
      foreign);
  ASSERT_FALSE(foreign.ok());
  EXPECT_NE(foreign.all()[0].text().find("this file belongs to team-b"), std::string::npos);
}

TEST(TeamFile, HoldsNothingElse) {
  for (const char* key : {"rules", "models", "access", "listen", "include"}) {
    Diagnostics diagnostics;
    (void)read_team_file(Tree::map({{"owner", Tree::text("a")}, {key, Tree::map({})}}),
                         diagnostics);
    ASSERT_FALSE(diagnostics.ok()) << key;
    EXPECT_NE(diagnostics.all()[0].text().find("unknown key"), std::string::npos);
  }
  Diagnostics no_owner;
  (void)read_team_file(Tree::map({{"experiments", Tree::list({})}}), no_owner);
  EXPECT_FALSE(no_owner.ok());
}

TEST(Floors, HoldRulesAndNothingElse) {
  Diagnostics diagnostics;
  const auto floors = read_floors(
      Tree::map({{"rules", Tree::map({{"access.*", Tree::text("enforce")}})}}), diagnostics);
  EXPECT_TRUE(diagnostics.ok());
  ASSERT_EQ(floors.size(), 1u);
  EXPECT_EQ(floors[0].pattern, "access.*");
  (void)read_floors(Tree::map({{"listen", Tree::text("127.0.0.1:1")}}), diagnostics);
  EXPECT_FALSE(diagnostics.ok());
}

Settings two_of_each() {
  Settings settings;
  settings.admin = *parse_endpoint("127.0.0.1:8081");
  settings.listen = {*parse_endpoint("127.0.0.1:8080")};
  Model m;
  m.name = "chat";
  m.place = {"f", 1, 1};
  settings.models = {m};
  Experiment e;
  e.name = "bot";
  e.models = {"chat"};
  e.place = {"f", 5, 1};
  settings.experiments = {e};
  return settings;
}

TEST(CheckSettings, AWholeConfigurationIsQuiet) { EXPECT_EQ(checked(two_of_each()), ""); }

TEST(CheckSettings, NamesStandOnce) {
  Settings settings = two_of_each();
  settings.models.push_back(settings.models[0]);
  settings.models[1].place.line = 2;
  settings.experiments.push_back(settings.experiments[0]);
  const std::string all = checked(settings);
  EXPECT_NE(all.find("f:2:1: error: there are two models named \"chat\" (the other is at f:1:1)"),
            std::string::npos)
      << all;
  EXPECT_NE(all.find("two experiments named \"bot\""), std::string::npos);
}

TEST(CheckSettings, AnExperimentsModelsExist) {
  Settings settings = two_of_each();
  settings.experiments[0].models = {"chatt", "chat"};
  EXPECT_EQ(checked(settings),
            "f:5:1: error: experiment \"bot\": there is no model \"chatt\" (did you mean "
            "\"chat\"?)\n");
}

TEST(CheckSettings, TwoListenersNeedTwoPorts) {
  Settings settings = two_of_each();
  settings.admin = settings.listen[0];
  EXPECT_NE(checked(settings).find("127.0.0.1:8080 is to be listened on twice"), std::string::npos);
  settings.admin = settings.listen[0] = *parse_endpoint("unix:/run/davy.sock");
  EXPECT_NE(checked(settings).find("is to be listened on twice"), std::string::npos);
  settings.admin = settings.listen[0] = *parse_endpoint("127.0.0.1:8080");
  settings.admin.port = settings.listen[0].port = 0;
  EXPECT_EQ(checked(settings), "");
}

TEST(CheckSettings, EachWrongPatternIsReported) {
  Settings settings = two_of_each();
  settings.rules = {{"access.keys.mising", Mode::off, {"f", 7, 1}},
                    {"guardrail.*", Mode::off, {"f", 8, 1}}};
  settings.floors = {{"acess.*", Mode::enforce, {"floor", 1, 1}}};
  const std::string all = checked(settings);
  EXPECT_NE(all.find("f:7:1: error"), std::string::npos);
  EXPECT_NE(all.find("f:8:1: error"), std::string::npos);
  EXPECT_NE(all.find("floor:1:1: error"), std::string::npos);
}

TEST(CheckSettings, TellsWhatAFloorOverrules) {
  Settings settings = two_of_each();
  settings.rules = {{"guardrails.sanitize.phrase", Mode::off, {"f", 7, 1}}};
  settings.floors = {{"guardrails.*", Mode::enforce, {"floor.yaml", 1, 1}}};
  const std::string all = checked(settings);
  EXPECT_NE(all.find("f:7:1: warning: rules: the organisation's floor makes "
                     "guardrails.sanitize.phrase enforce, not off"),
            std::string::npos)
      << all;
  EXPECT_EQ(rule_modes(settings)->mode(rules::kGuardrailsSanitizePhrase), Mode::enforce);
}

TEST(CheckSettings, NothingToServeIsAWarning) {
  Settings settings = two_of_each();
  settings.experiments.clear();
  EXPECT_NE(checked(settings).find("warning: no experiment"), std::string::npos);
  settings.models.clear();
  EXPECT_NE(checked(settings).find("warning: no model"), std::string::npos);
}

}  // namespace
}  // namespace davy
