#include "mechanisms/formats/walker.h"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/files.h"

namespace davy::formats {
namespace {

namespace fs = std::filesystem;

class Walker : public ::testing::Test {
 protected:
  Walker() {
    std::string pattern = (fs::temp_directory_path() / "davy-walker-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~Walker() override {
    fs::permissions(root_, fs::perms::owner_all, fs::perm_options::add);
    fs::remove_all(root_);
  }

  void write(const std::string& name, std::string_view content = "x") {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << content;
  }

  // Names are given relative to the root.
  void walk_it(const WalkLimits& limits = {}) {
    const auto cut = [&](const std::string& path) {
      const std::string prefix = root_.string() + "/";
      return path.starts_with(prefix) ? path.substr(prefix.size()) : path;
    };
    const auto done = walk(root_.string(), limits, clock_,
                           {[&](const Artifact& file) {
                              EXPECT_EQ(file.kind, "file");
                              EXPECT_GE(file.fd, 0);
                              files_.push_back(cut(file.name));
                              if (each_file_) each_file_();
                            },
                            [&](NotExamined entry, std::uint64_t bytes) {
                              EXPECT_TRUE(skipped_.emplace(cut(entry.what), entry).second)
                                  << entry.what;
                              skipped_bytes_ += bytes;
                            }});
    EXPECT_TRUE(done) << done.error().text();
  }

  fs::path root_;
  ManualClock clock_;
  std::vector<std::string> files_;
  std::map<std::string, NotExamined> skipped_;
  std::uint64_t skipped_bytes_ = 0;
  std::function<void()> each_file_;
};

TEST_F(Walker, GivesEveryFileInOneOrder) {
  for (const char* name : {"b/2", "b/1", "a", "c/d/e", "z", ".hidden", "b/a/x"}) write(name);
  walk_it();
  EXPECT_EQ(files_,
            (std::vector<std::string>{".hidden", "a", "z", "b/1", "b/2", "b/a/x", "c/d/e"}));
  EXPECT_TRUE(skipped_.empty());
}

TEST_F(Walker, NeverFollowsALink) {
  write("target/file");
  fs::create_symlink("target/file", root_ / "to_file");
  fs::create_symlink("/", root_ / "to_root");
  fs::create_symlink(".", root_ / "loop");
  fs::create_symlink("nowhere", root_ / "broken");
  walk_it();
  EXPECT_EQ(files_, (std::vector<std::string>{"target/file"}));
  for (const char* name : {"to_file", "to_root", "loop", "broken"}) {
    ASSERT_EQ(skipped_.count(name), 1U) << name;
    EXPECT_EQ(skipped_[name].why, "symbolic link, not followed");
    EXPECT_FALSE(skipped_[name].fatal);
  }
}

TEST_F(Walker, OpensNoFifoSocketOrDevice) {
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (root_ / "socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  write("file");
  walk_it();
  EXPECT_EQ(files_, (std::vector<std::string>{"file"}));
  EXPECT_EQ(skipped_["fifo"].why, "FIFO, not opened");
  EXPECT_EQ(skipped_["socket"].why, "socket, not opened");
  EXPECT_FALSE(skipped_["fifo"].fatal);
}

TEST_F(Walker, WhatMayNotBeReadIsAFailure) {
  write("locked/file");
  write("secret");
  write("open");
  chmod((root_ / "locked").c_str(), 0);
  chmod((root_ / "secret").c_str(), 0);
  chmod(root_.c_str(), 0755);
  const bool root = geteuid() == 0;
  if (root) setfsuid(65534);  // root may read everything; nobody may not
  walk_it();
  if (root) setfsuid(0);
  chmod((root_ / "locked").c_str(), 0700);
  EXPECT_EQ(files_, (std::vector<std::string>{"open"}));
  for (const char* name : {"locked", "secret"}) {
    ASSERT_EQ(skipped_.count(name), 1U) << name;
    EXPECT_EQ(skipped_[name].why, "permission denied");
    EXPECT_TRUE(skipped_[name].fatal);
  }
}

TEST_F(Walker, AFileAboveTheLimitIsAFailureUnlessTheCallerSetTheLimit) {
  write("big", std::string(5000, 'x'));
  write("small");
  WalkLimits limits;
  limits.file_bytes = 4096;
  walk_it(limits);
  EXPECT_EQ(files_, (std::vector<std::string>{"small"}));
  EXPECT_EQ(skipped_["big"].why, "larger than 4 KiB");
  EXPECT_TRUE(skipped_["big"].fatal);
  EXPECT_EQ(skipped_bytes_, 5000U);
  skipped_.clear();
  limits.size_is_scope = true;
  walk_it(limits);
  EXPECT_FALSE(skipped_["big"].fatal);
}

TEST_F(Walker, TheTotalIsBounded) {
  for (const char* name : {"1", "2", "3"}) write(name, std::string(1000, 'x'));
  WalkLimits limits;
  limits.total_bytes = 2500;
  walk_it(limits);
  EXPECT_EQ(files_.size(), 2U);
  EXPECT_TRUE(skipped_["3"].fatal);
}

TEST_F(Walker, HolesOfASparseFileDoNotCount) {
  write("sparse");
  ASSERT_EQ(truncate((root_ / "sparse").c_str(), off_t{1} << 40), 0);
  walk_it();
  EXPECT_EQ(files_, (std::vector<std::string>{"sparse"}));
}

TEST_F(Walker, DeeperFoldersAreAFailure) {
  std::string name;
  for (int i = 0; i < 70; ++i) name += "d/";
  write(name + "bottom");
  write("top");
  walk_it();
  EXPECT_EQ(files_, (std::vector<std::string>{"top"}));
  ASSERT_EQ(skipped_.size(), 1U);
  EXPECT_EQ(skipped_.begin()->second.why, "deeper than 64 folders");
  EXPECT_TRUE(skipped_.begin()->second.fatal);
}

TEST_F(Walker, TheNumberOfEntriesIsBounded) {
  for (int i = 0; i < 20; ++i) write("f" + std::to_string(i));
  WalkLimits limits;
  limits.entries = 10;
  walk_it(limits);
  EXPECT_EQ(files_.size(), 10U);
  EXPECT_EQ(skipped_.size(), 1U);
}

TEST_F(Walker, StopsWhenTheTimeIsOverAndSaysSoOnce) {
  for (const char* name : {"a/1", "a/2", "b/1", "c/1"}) write(name);
  WalkLimits limits;
  limits.deadline = clock_.now().steady + std::chrono::seconds(1);
  each_file_ = [this] { clock_.advance(std::chrono::seconds(1)); };
  walk_it(limits);
  EXPECT_EQ(files_, (std::vector<std::string>{"a/1"}));
  ASSERT_EQ(skipped_.size(), 1U);
  EXPECT_TRUE(skipped_.begin()->second.fatal);
}

TEST_F(Walker, AFileThatGoesAwayIsNoFailure) {
  write("1");
  write("2");
  each_file_ = [this] { fs::remove(root_ / "2"); };
  walk_it();
  EXPECT_EQ(files_, (std::vector<std::string>{"1"}));
  EXPECT_FALSE(skipped_["2"].fatal);
}

TEST_F(Walker, ALinkThatTookAFilesPlaceIsNotFollowed) {
  write("1");
  write("2");
  each_file_ = [this] {
    fs::remove(root_ / "2");
    fs::create_symlink("/etc/passwd", root_ / "2");
  };
  walk_it();
  EXPECT_EQ(files_, (std::vector<std::string>{"1"}));
  EXPECT_EQ(skipped_["2"].why, "symbolic link, not followed");
}

TEST_F(Walker, DoesNotEnterFileSystemsOfTheKernel) {
  const auto done = walk("/proc", {}, clock_,
                         {[](const Artifact& file) { ADD_FAILURE() << file.name; },
                          [&](NotExamined entry, std::uint64_t) { skipped_[entry.what] = entry; }});
  EXPECT_TRUE(done);
  EXPECT_EQ(skipped_.size(), 1U);
}

TEST_F(Walker, OneFileMayBeNamedAlsoThroughALink) {
  write("file");
  fs::create_symlink("file", root_ / "link");
  std::vector<std::string> seen;
  const auto done = walk((root_ / "link").string(), {}, clock_,
                         {[&](const Artifact& file) { seen.push_back(file.name); },
                          [](NotExamined, std::uint64_t) {}});
  EXPECT_TRUE(done);
  EXPECT_EQ(seen, (std::vector<std::string>{(root_ / "link").string()}));
}

TEST_F(Walker, APathThatIsNeitherFileNorFolderIsAnError) {
  const WalkCallbacks none{[](const Artifact&) {}, [](NotExamined, std::uint64_t) {}};
  const auto missing = walk((root_ / "missing").string(), {}, clock_, none);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(missing.error().text().find("missing"), std::string::npos);
  EXPECT_FALSE(walk("/dev/null", {}, clock_, none));
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  EXPECT_FALSE(walk((root_ / "fifo").string(), {}, clock_, none));
}

}  // namespace
}  // namespace davy::formats
