#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "core/settings.h"
#include "mechanisms/formats/yaml.h"
#include "surfaces/cli/command_harness.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/init_profiles.h"

namespace davy::cli {
namespace {

namespace fs = std::filesystem;

class InitCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char path[] = "/tmp/davy_init_XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    root_ = path;
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] std::string at(const std::string& name) const { return root_ + "/" + name; }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static unsigned mode(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
  }

  std::string root_;
};

TEST_F(InitCommandTest, WritesAConfigurationAHomeAndAPepper) {
  const Ran ran = run(init_command(), {root_});
  ASSERT_EQ(ran.status, kExitClean) << ran.err;
  EXPECT_EQ(mode(at("davylamp.yaml")), 0644u);
  EXPECT_EQ(mode(at("davylamp-home")), 0700u);
  EXPECT_EQ(mode(at("davylamp-home/pepper")), 0600u);
  const std::string pepper = content(at("davylamp-home/pepper"));
  ASSERT_EQ(pepper.size(), 65u);
  EXPECT_EQ(pepper.find_first_not_of("0123456789abcdef"), 64u);
  EXPECT_EQ(ran.out.find(pepper.substr(0, 64)), std::string::npos) << "a pepper is never shown";
  EXPECT_NE(ran.out.find("wrote " + at("davylamp.yaml")), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("davy serve -c " + at("davylamp.yaml")), std::string::npos) << ran.out;
}

TEST_F(InitCommandTest, NoTwoPeppersAreAlike) {
  ASSERT_EQ(run(init_command(), {at("a")}).status, kExitClean);
  ASSERT_EQ(run(init_command(), {at("b")}).status, kExitClean);
  EXPECT_NE(content(at("a/davylamp-home/pepper")), content(at("b/davylamp-home/pepper")));
}

TEST_F(InitCommandTest, OverwritesNothingAndSaysWhichFileExists) {
  std::ofstream(at("davylamp.yaml")) << "mine";
  const Ran ran = run(init_command(), {root_});
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_NE(ran.err.find(at("davylamp.yaml") + ": exists already"), std::string::npos) << ran.err;
  EXPECT_EQ(content(at("davylamp.yaml")), "mine");
  EXPECT_FALSE(fs::exists(at("davylamp-home"))) << "nothing is written beside it";
}

TEST_F(InitCommandTest, KeepsAHomeAndItsPepper) {
  ASSERT_EQ(run(init_command(), {root_}).status, kExitClean);
  const std::string pepper = content(at("davylamp-home/pepper"));
  fs::remove(at("davylamp.yaml"));
  const Ran ran = run(init_command(), {root_});
  EXPECT_EQ(ran.status, kExitClean) << ran.err;
  EXPECT_EQ(content(at("davylamp-home/pepper")), pepper);
  EXPECT_NE(ran.out.find("kept  " + at("davylamp-home/pepper")), std::string::npos) << ran.out;
}

TEST_F(InitCommandTest, AFolderThatIsNoHomeIsLeftAlone) {
  fs::create_directory(at("davylamp-home"));
  std::ofstream(at("davylamp-home/letter")) << "mine";
  const Ran ran = run(init_command(), {root_});
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_FALSE(fs::exists(at("davylamp.yaml")));
  EXPECT_FALSE(fs::exists(at("davylamp-home/pepper")));
}

TEST_F(InitCommandTest, TheConfigurationMayHaveAnotherName) {
  ASSERT_EQ(run(init_command(), {"--config", at("gate.yaml")}).status, kExitClean);
  EXPECT_TRUE(fs::exists(at("gate.yaml")));
  EXPECT_TRUE(fs::exists(at("davylamp-home/pepper")));
  EXPECT_EQ(run(init_command(), {"--config", root_ + "/"}).status, kExitTrouble);
  EXPECT_EQ(run(init_command(), {root_, "--config", at("x.yaml")}).status, kUsage);
}

TEST_F(InitCommandTest, TheHomeMayLieElsewhere) {
  const Ran ran = run(init_command(), {root_, "--home", at("my \"home\"")});
  ASSERT_EQ(ran.status, kExitClean) << ran.err;
  EXPECT_TRUE(fs::exists(at("my \"home\"/pepper")));
  EXPECT_FALSE(fs::exists(at("davylamp-home")));
  EXPECT_NE(content(at("davylamp.yaml")).find("home: \"" + root_ + "/my \\\"home\\\"\"  # keys"),
            std::string::npos)
      << content(at("davylamp.yaml"));
  EXPECT_EQ(run(init_command(), {at("b"), "--home", "a\nb"}).status, kUsage);
}

TEST_F(InitCommandTest, PrintMakesNothing) {
  const Ran ran = run(init_command(), {root_, "--print", "--home", "/var/lib/davylamp"});
  ASSERT_EQ(ran.status, kExitClean) << ran.err;
  EXPECT_TRUE(fs::is_empty(root_));
  EXPECT_NE(ran.out.find("\nhome: /var/lib/davylamp           # keys"), std::string::npos)
      << ran.out;
  const Ran plain = run(init_command(), {root_, "--print"});
  EXPECT_EQ(plain.out, init_profiles()[0].config);
}

TEST_F(InitCommandTest, AParentThatIsMissingIsTrouble) {
  const Ran ran = run(init_command(), {at("no/such/folder")});
  EXPECT_EQ(ran.status, kExitTrouble);
  EXPECT_NE(ran.err.find(at("no/such/folder")), std::string::npos) << ran.err;
}

TEST_F(InitCommandTest, AnUnknownProfileIsRefused) {
  EXPECT_EQ(run(init_command(), {root_, "--profile", "chatt"}).status, kUsage);
  EXPECT_FALSE(fs::exists(at("davylamp.yaml")));
}

// Reads what the folders would, so that core alone can read the whole file.
class AnySection final : public ConfigSection {
 public:
  AnySection(std::string path, std::vector<std::string> keys)
      : path_(std::move(path)), keys_(std::move(keys)) {}
  std::string_view path() const noexcept override { return path_; }
  std::unique_ptr<const ConfigValue> read(ConfigMap& map) const override {
    for (const std::string& key : keys_) (void)map.texts(key);
    return std::make_unique<ConfigValue>();
  }

 private:
  std::string path_;
  std::vector<std::string> keys_;
};

TEST_F(InitCommandTest, EveryProfileIsAConfigurationWithoutMistakes) {
  std::vector<std::unique_ptr<ConfigSection>> sections;
  sections.push_back(std::make_unique<AnySection>("access", std::vector<std::string>{"keys"}));
  sections.push_back(
      std::make_unique<AnySection>("guardrails.sanitize", std::vector<std::string>{"phrases"}));
  ASSERT_EQ(init_profiles().size(), 4u);
  for (const InitProfile& profile : init_profiles()) {
    const std::string folder = at(std::string(profile.name));
    ASSERT_EQ(run(init_command(), {folder, "--profile", std::string(profile.name)}).status,
              kExitClean);
    Diagnostics diagnostics;
    const auto tree =
        formats::read_yaml(content(folder + "/davylamp.yaml"), "davylamp.yaml", diagnostics);
    ASSERT_TRUE(tree) << profile.name;
    const ConfigContent read = read_config(*tree, sections, diagnostics);
    check_settings(read.settings, diagnostics);
    for (const Diagnostic& d : diagnostics.all()) {
      ADD_FAILURE() << profile.name << ": " << d.text();
    }
    EXPECT_EQ(read.settings.models.size(), 1u);
    EXPECT_EQ(read.settings.experiments.size(), 1u);
    EXPECT_EQ(read.settings.home, "./davylamp-home");
  }
}

TEST_F(InitCommandTest, NoLineOfAProfileIsTooLongToRead) {
  for (const InitProfile& profile : init_profiles()) {
    std::istringstream lines{std::string(profile.config)};
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 96u) << line;
  }
}

}  // namespace
}  // namespace davy::cli
