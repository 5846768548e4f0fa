#include "app/config_loader.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "app/builtins.h"
#include "generated/rules.h"
#include "pillars/access/keys/access_config.h"
#include "pillars/guardrails/sanitize/sanitize.h"
#include "surfaces/cli/init_profiles.h"

namespace davy::app {
namespace {

namespace fs = std::filesystem;

constexpr char kMain[] =
    "models:\n"
    "  - {name: chat, dialect: openai, upstream: \"http://127.0.0.1:9001/v1\"}\n"
    "experiments:\n"
    "  - {name: bot, owner: team-a, models: [chat]}\n";

class ConfigLoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/davy_loader_XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    root_ = path;
    sections_.push_back(std::make_unique<access::AccessSection>());
    sections_.push_back(sanitize::config_section());
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << content;
  }

  std::unique_ptr<LoadedConfig> load() {
    diagnostics_ = Diagnostics();
    return load_config(at("davylamp.yaml"), sections_, at("floor.yaml"), diagnostics_);
  }

  [[nodiscard]] std::string said() const {
    std::string out;
    for (const Diagnostic& d : diagnostics_.all()) out += d.text() + "\n";
    return out;
  }
  [[nodiscard]] bool says(const std::string& part) const {
    return said().find(part) != std::string::npos;
  }

  std::string root_;
  std::vector<std::unique_ptr<ConfigSection>> sections_;
  Diagnostics diagnostics_;
};

TEST_F(ConfigLoaderTest, ReadsTheMainFile) {
  write("davylamp.yaml", kMain);
  const auto loaded = load();
  ASSERT_TRUE(loaded) << said();
  EXPECT_EQ(said(), "");
  EXPECT_EQ(loaded->folder, root_);
  EXPECT_EQ(loaded->settings.models.at(0).place.text(), at("davylamp.yaml") + ":2:5");
  ASSERT_NE(loaded->config.section<access::AccessConfig>("access"), nullptr);
  EXPECT_TRUE(loaded->config.section<access::AccessConfig>("access")->keys_required);
}

TEST_F(ConfigLoaderTest, EveryProfileOfInitLoads) {
  for (const cli::InitProfile& profile : cli::init_profiles()) {
    write("davylamp.yaml", std::string(profile.config));
    const auto loaded = load();
    ASSERT_TRUE(loaded) << profile.name << "\n" << said();
    EXPECT_EQ(said(), "") << profile.name;
  }
}

TEST_F(ConfigLoaderTest, EveryDialectThatIsBuiltMayBeConfigured) {
  for (const dialects::Dialect* const dialect : dialects()) {
    write("davylamp.yaml", "models:\n  - {name: m, dialect: " + std::string(dialect->name()) +
                               ", upstream: \"http://127.0.0.1:9001\"}\n");
    (void)load();
    EXPECT_FALSE(says("dialect")) << said();
  }
}

TEST_F(ConfigLoaderTest, TheConfigurationOfTheDesignLoadsWithWarnings) {
  write("davylamp.yaml",
        "listen: 127.0.0.1:8080\n"
        "admin: 127.0.0.1:8081\n"
        "home: ./davylamp-home\n"
        "models:\n"
        "  - name: chat\n"
        "    dialect: openai\n"
        "    upstream: \"http://127.0.0.1:9001/v1\"\n"
        "    credential: \"env:OPENAI_API_KEY\"\n"
        "    price: {input_per_million: 0.15, output_per_million: 0.60}\n"
        "    max_output_tokens: 4096\n"
        "  - {name: fraud, dialect: predict, upstream: \"http://127.0.0.1:9002\"}\n"
        "experiments:\n"
        "  - name: support-bot\n"
        "    owner: team-a\n"
        "    purpose: answer billing questions\n"
        "    models: [chat]\n"
        "    stage: sandbox\n"
        "    budget: {usd_per_day: 5, tokens_per_minute: 20000, concurrency: 50}\n"
        "    usage_plan: ai-model-usage-plan\n"
        "    expires: 2027-03-31\n"
        "access:\n"
        "  keys: required\n"
        "  usage_plans: [usage_plan.tf]\n"
        "  pepper: file:secrets/pepper\n"
        "  trusted_proxies: []\n"
        "guardrails: {rails: [rails.yaml], waf: [waf.json], egress_hosts: [docs.example.com]}\n"
        "monitoring:\n"
        "  evidence: best_effort\n"
        "  content: findings\n"
        "  monitors: [monitors.tf]\n"
        "  integrity: [model.rules]\n"
        "rules:\n"
        "  guardrails.sanitize.phrase: enforce\n");
  ASSERT_TRUE(load()) << said();
  for (const char* key :
       {"price", "max_output_tokens", "budget", "usage_plan", "access.usage_plans",
        "guardrails.rails", "guardrails.waf", "guardrails.egress_hosts", "monitoring.monitors",
        "monitoring.integrity"}) {
    EXPECT_TRUE(says(key)) << key << "\n" << said();
  }
}

TEST_F(ConfigLoaderTest, IncludesAreReadInTheOrderOfTheirNames) {
  write("davylamp.yaml", std::string(kMain) + "include: [experiments.d/*.yaml]\n");
  write("experiments.d/b.yaml", "owner: team-b\nexperiments:\n  - {name: b, models: [chat]}\n");
  write("experiments.d/a.yaml", "owner: team-c\nexperiments:\n  - {name: a, models: [chat]}\n");
  write("experiments.d/.hidden.yaml", "not: read\n");
  write("experiments.d/notes.txt", "not: read\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << said();
  ASSERT_EQ(loaded->settings.experiments.size(), 3u);
  EXPECT_EQ(loaded->settings.experiments[1].name, "a");
  EXPECT_EQ(loaded->settings.experiments[1].owner, "team-c");
  EXPECT_EQ(loaded->settings.experiments[2].name, "b");
  EXPECT_EQ(loaded->settings.experiments[2].place.file, at("experiments.d/b.yaml"));
}

TEST_F(ConfigLoaderTest, AnIncludedFileIsBoundToItsTeam) {
  write("davylamp.yaml", std::string(kMain) + "include: team.yaml\n");
  write("team.yaml", "owner: team-b\nexperiments:\n  - {name: b, owner: team-a, models: [chat]}\n");
  EXPECT_FALSE(load());
  EXPECT_TRUE(says("team.yaml:3:22: error: experiments[0].owner: this file belongs to team-b"))
      << said();
}

TEST_F(ConfigLoaderTest, AnIncludedFileHoldsNothingElse) {
  write("davylamp.yaml", std::string(kMain) + "include: team.yaml\n");
  for (const char* more : {"rules: {guardrails.*: off}\n", "access: {keys: optional}\n",
                           "models: []\n", "include: x.yaml\n", "listen: 127.0.0.1:1\n"}) {
    write("team.yaml", std::string("owner: team-b\nexperiments: []\n") + more);
    EXPECT_FALSE(load()) << more;
    EXPECT_TRUE(says("team.yaml:3:1: error: unknown key")) << said();
  }
}

TEST_F(ConfigLoaderTest, OneFilePerTeam) {
  write("davylamp.yaml", std::string(kMain) + "include: [\"d/*.yaml\"]\n");
  write("d/a.yaml", "owner: team-b\n");
  write("d/b.yaml", "owner: team-b\n");
  EXPECT_FALSE(load());
  EXPECT_TRUE(says("d/b.yaml:1:8: error: a second file of team-b")) << said();
}

TEST_F(ConfigLoaderTest, AFileThatTwoPatternsNameIsReadOnce) {
  write("davylamp.yaml", std::string(kMain) + "include: [d/a.yaml, \"d/*\"]\n");
  write("d/a.yaml", "owner: team-b\nexperiments:\n  - {name: b, models: [chat]}\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << said();
  EXPECT_EQ(loaded->settings.experiments.size(), 2u);
}

TEST_F(ConfigLoaderTest, AnIncludeThatIsNotThereIsAnErrorAtItsLine) {
  write("davylamp.yaml", std::string(kMain) + "include: [gone.yaml]\n");
  EXPECT_FALSE(load());
  EXPECT_TRUE(says("davylamp.yaml:5:11: error: include: " + at("gone.yaml"))) << said();
  write("davylamp.yaml", std::string(kMain) + "include: [\"gone/*.yaml\"]\n");
  EXPECT_FALSE(load());
  EXPECT_TRUE(says("the folder cannot be read")) << said();
  for (const char* bad : {"\"*/a.yaml\"", "d/", "\"\""}) {
    write("davylamp.yaml", std::string(kMain) + "include: [" + bad + "]\n");
    EXPECT_FALSE(load()) << bad;
    EXPECT_TRUE(says("not a file or a pattern of files")) << said();
  }
}

TEST_F(ConfigLoaderTest, APatternWithoutFilesIsAWarning) {
  fs::create_directory(at("d"));
  write("davylamp.yaml", std::string(kMain) + "include: [\"d/*.yaml\"]\n");
  EXPECT_TRUE(load());
  EXPECT_TRUE(says("warning: include: no file matches")) << said();
}

TEST_F(ConfigLoaderTest, NamesStandOnceAcrossFiles) {
  write("davylamp.yaml", std::string(kMain) + "include: team.yaml\n");
  write("team.yaml", "owner: team-b\nexperiments:\n  - {name: bot, models: [chat]}\n");
  EXPECT_FALSE(load());
  EXPECT_TRUE(
      says("team.yaml:3:5: error: there are two experiments named \"bot\" (the other is at " +
           at("davylamp.yaml") + ":4:5)"))
      << said();
}

TEST_F(ConfigLoaderTest, TheStricterOfProjectAndFloorWins) {
  write("davylamp.yaml", std::string(kMain) +
                             "rules:\n  guardrails.sanitize.phrase: off\n"
                             "  access.keys.missing: enforce\n");
  write("floor.yaml", "rules:\n  guardrails.*: enforce\n  access.*: observe\n");
  const auto loaded = load();
  ASSERT_TRUE(loaded) << said();
  EXPECT_TRUE(
      says("davylamp.yaml:6:3: warning: rules: the organisation's floor makes "
           "guardrails.sanitize.phrase enforce, not off"))
      << said();
  const auto modes = rule_modes(loaded->settings);
  ASSERT_TRUE(modes);
  EXPECT_EQ(modes->mode(rules::kGuardrailsSanitizePhrase), Mode::enforce);
  EXPECT_EQ(modes->mode(rules::kAccessKeysMissing), Mode::enforce);
}

TEST_F(ConfigLoaderTest, ABrokenFloorStopsEverything) {
  write("davylamp.yaml", kMain);
  for (const char* floor : {"rules: [\n", "rules: {guardrails.*: enforced}\n",
                            "rules: {guardrail.*: enforce}\n", "listen: 127.0.0.1:1\n"}) {
    write("floor.yaml", floor);
    EXPECT_FALSE(load()) << floor;
    EXPECT_TRUE(says(at("floor.yaml") + ":")) << said();
  }
  fs::remove(at("floor.yaml"));
  fs::create_directory(at("floor.yaml"));
  EXPECT_FALSE(load()) << "a floor that cannot be read is no missing floor";
}

TEST_F(ConfigLoaderTest, TheDigestCoversEveryFileAndNoFolder) {
  const std::string main = std::string(kMain) + "include: [\"d/*.yaml\"]\n";
  write("davylamp.yaml", main);
  write("d/a.yaml", "owner: team-b\n");
  const std::string first = load()->digest_input;
  write("davylamp.yaml", main + "# more\n");
  const std::string other_main = load()->digest_input;
  write("davylamp.yaml", main);
  write("d/a.yaml", "owner: team-c\n");
  const std::string other_team = load()->digest_input;
  write("d/a.yaml", "owner: team-b\n");
  write("floor.yaml", "rules: {access.*: enforce}\n");
  const std::string other_floor = load()->digest_input;
  fs::remove(at("floor.yaml"));
  EXPECT_EQ(load()->digest_input, first);
  EXPECT_NE(other_main, first);
  EXPECT_NE(other_team, first);
  EXPECT_NE(other_floor, first);
  EXPECT_EQ(first.find(root_), std::string::npos);
}

TEST_F(ConfigLoaderTest, MistakesOfAllFilesComeTogether) {
  write("davylamp.yaml", std::string(kMain) + "include: team.yaml\nlisen: x\n");
  write("team.yaml", "ownr: team-b\n");
  write("floor.yaml", "rules: 5\n");
  EXPECT_FALSE(load());
  EXPECT_TRUE(says("davylamp.yaml:6:1: error: unknown key \"lisen\" (did you mean \"listen\"?)"));
  EXPECT_TRUE(says("team.yaml:1:1: error: unknown key \"ownr\""));
  EXPECT_TRUE(says("floor.yaml:1:8: error: rules: expected a map")) << said();
}

TEST_F(ConfigLoaderTest, ASecretInTheWrongPlaceIsNotRepeated) {
  for (const std::string& line :
       {std::string("    credential: sk-abcdef0123456789"),
        std::string("    credential: [sk-abcdef]"), std::string("    credential: {sk-abcdef: x}"),
        std::string("    unexamined: sk-abcdef"), std::string("    price: sk-abcdef"),
        std::string("    max_output_tokens: sk-abcdef")}) {
    write("davylamp.yaml",
          "models:\n  - name: chat\n    dialect: openai\n    upstream: http://a:1\n" + line + "\n");
    EXPECT_FALSE(load()) << line;
    EXPECT_FALSE(says("abcdef")) << said();
  }
}

TEST_F(ConfigLoaderTest, AMissingMainFileSaysSo) {
  EXPECT_FALSE(load());
  EXPECT_TRUE(says(at("davylamp.yaml"))) << said();
}

}  // namespace
}  // namespace davy::app
