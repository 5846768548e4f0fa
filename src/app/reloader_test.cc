#include "app/reloader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/log.h"

namespace davy::app {
namespace {

namespace fs = std::filesystem;

constexpr char kMain[] =
    "include: [teams/*.yaml]\n"
    "models:\n"
    "  - {name: chat, dialect: openai, upstream: \"http://127.0.0.1:9001/v1\", "
    "credential: \"file:secret\"}\n";
constexpr char kTeam[] =
    "owner: team-a\n"
    "experiments:\n"
    "  - {name: bot, models: [chat]}\n";

class ReloaderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "davy-reloader-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(folder_ + "/teams");
    write("davylamp.yaml", kMain);
    write("teams/a.yaml", kTeam);
    write("secret", "sk-1");
    fs::permissions(folder_ + "/secret", fs::perms(0600));
    builder_.emplace(folder_ + "/floor.yaml");
    reloader_.emplace(folder_ + "/davylamp.yaml", *builder_);
    log::set_output([this](std::string_view line) { lines_.emplace_back(line); });
  }
  void TearDown() override {
    log::set_output({});
    fs::remove_all(folder_);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }
  std::shared_ptr<const Snapshot> start() {
    Diagnostics diagnostics;
    return reloader_->start(diagnostics);
  }
  std::shared_ptr<const Snapshot> reload(Cause cause = Cause::signal) {
    const std::vector<std::string> changed{"a file"};
    lines_.clear();
    return reloader_->reload(cause, changed);
  }

  std::string folder_;
  std::optional<SnapshotBuilder> builder_;
  std::optional<Reloader> reloader_;
  std::vector<std::string> lines_;
};

TEST_F(ReloaderTest, KnowsEveryFileThatASnapshotWasBuiltFrom) {
  ASSERT_NE(start(), nullptr);
  const FileMarks files = reloader_->files();
  for (const char* name : {"davylamp.yaml", "teams/", "teams/a.yaml", "secret"}) {
    const auto found = files.find(folder_ + "/" + name);
    ASSERT_NE(found, files.end()) << name;
    EXPECT_TRUE(found->second.there) << name;
  }
  // One that is not there yet may come.
  EXPECT_FALSE(files.at(folder_ + "/floor.yaml").there);
}

TEST_F(ReloaderTest, ABadFileChangesNothingAndIsToldOnce) {
  ASSERT_NE(start(), nullptr);
  write("teams/a.yaml", "owner: [");
  EXPECT_EQ(reload(), nullptr);
  EXPECT_GE(lines_.size(), 2);
  EXPECT_NE(lines_[0].find("teams/a.yaml"), std::string::npos) << lines_[0];
  // What an order causes meanwhile, say `davy key create`, does not repeat it.
  EXPECT_EQ(reload(Cause::order), nullptr);
  EXPECT_TRUE(lines_.empty());
  // Another mistake is told.
  write("teams/a.yaml", "owners: team-a\n");
  EXPECT_EQ(reload(), nullptr);
  EXPECT_FALSE(lines_.empty());
  write("teams/a.yaml", kTeam);
  EXPECT_NE(reload(Cause::order), nullptr);
  EXPECT_EQ(lines_.size(), 1);  // that it is in force again
}

TEST_F(ReloaderTest, WatchesWhatABadConfigurationNames) {
  ASSERT_NE(start(), nullptr);
  write("davylamp.yaml", std::string(kMain) + "home: other\n");
  write("teams/b.yaml", "owner: team-b\nexperiments: []\n");
  EXPECT_EQ(reload(), nullptr);
  EXPECT_TRUE(reloader_->files().contains(folder_ + "/teams/b.yaml"));
}

TEST_F(ReloaderTest, WhereItListensNeedsANewStart) {
  ASSERT_NE(start(), nullptr);
  write("davylamp.yaml", std::string(kMain) + "listen: 127.0.0.1:9999\n");
  EXPECT_EQ(reload(), nullptr);
  ASSERT_FALSE(lines_.empty());
  EXPECT_NE(lines_.back().find("restart"), std::string::npos);
}

TEST_F(ReloaderTest, SaysWhatCameOfASignalAndOfFiles) {
  ASSERT_NE(start(), nullptr);
  EXPECT_NE(reload(Cause::order), nullptr);
  EXPECT_TRUE(lines_.empty());
  EXPECT_NE(reload(Cause::signal), nullptr);
  EXPECT_EQ(lines_.size(), 1);
  write("secret", "sk-2");
  EXPECT_NE(reload(Cause::files), nullptr);
  ASSERT_EQ(lines_.size(), 1);
  EXPECT_NE(lines_[0].find("a file"), std::string::npos);
}

TEST_F(ReloaderTest, TheConfigurationSaysWhetherItIsWatched) {
  ASSERT_NE(start(), nullptr);
  EXPECT_TRUE(reloader_->watches());
  write("davylamp.yaml", std::string(kMain) + "watch: false\n");
  EXPECT_NE(reload(), nullptr);
  EXPECT_FALSE(reloader_->watches());
}

}  // namespace
}  // namespace davy::app
