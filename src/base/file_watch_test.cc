#include "base/file_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davy {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class FileWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "davy-watch-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  // As an editor or `kubectl` does it.
  void replace(const std::string& name, const std::string& text) const {
    write(name + ".new", text);
    fs::rename(path(name + ".new"), path(name));
  }
  void expect(const std::vector<std::string>& names) {
    const ReadTrail trail;
    for (const std::string& name : names) (void)read_file(path(name), 1000);
    watch_.expect(trail.marks());
  }
  bool changed() { return watch_.changed(now_); }
  // Looks until the change stands still.
  bool changed_at_last() {
    for (int i = 0; i < 100; ++i, now_ += 50ms) {
      if (changed()) return true;
    }
    return false;
  }
  // Whether the kernel has told of something.
  [[nodiscard]] bool told() const {
    pollfd wanted{watch_.fd(), POLLIN, 0};
    return ::poll(&wanted, 1, 5000) > 0;
  }

  std::string folder_;
  FileWatch watch_;
  SteadyTime now_{1h};
};

TEST_F(FileWatchTest, TellsOfAFileThatIsReplaced) {
  write("a", "1");
  write("b", "1");
  expect({"a", "b"});
  EXPECT_FALSE(changed_at_last());
  replace("b", "2");
  EXPECT_TRUE(told());
  EXPECT_TRUE(changed_at_last());
  EXPECT_EQ(watch_.what(), std::vector<std::string>{path("b")});
}

TEST_F(FileWatchTest, TellsOfAFileThatComesOrGoes) {
  write("a", "1");
  expect({"a", "missing"});
  EXPECT_FALSE(changed_at_last());
  write("missing", "");
  EXPECT_TRUE(told());
  EXPECT_TRUE(changed_at_last());
  expect({"a", "missing"});
  fs::remove(path("a"));
  EXPECT_TRUE(told());
  EXPECT_TRUE(changed_at_last());
  EXPECT_EQ(watch_.what(), std::vector<std::string>{path("a")});
}

TEST_F(FileWatchTest, WaitsUntilAChangeStandsStill) {
  write("a", "1");
  expect({"a"});
  write("a", "12");
  EXPECT_FALSE(changed());
  EXPECT_LT(watch_.patience(), FileWatch::kSettle);
  now_ += FileWatch::kSettle - 1ms;
  write("a", "123");
  EXPECT_FALSE(changed());
  now_ += FileWatch::kSettle - 1ms;
  EXPECT_FALSE(changed());
  now_ += 1ms;
  EXPECT_TRUE(changed());
}

TEST_F(FileWatchTest, AFileThatNeverStandsStillIsReadAllTheSame) {
  write("a", "");
  expect({"a"});
  const SteadyTime begin = now_;
  std::string text;
  bool seen = false;
  while (!seen && now_ < begin + 1h) {
    write("a", text += "x");
    seen = changed();
    now_ += 50ms;
  }
  EXPECT_TRUE(seen);
  EXPECT_GE(now_ - begin, FileWatch::kMostSettle);
}

TEST_F(FileWatchTest, TellsEachChangeOnce) {
  write("a", "1");
  expect({"a"});
  replace("a", "bad");
  EXPECT_TRUE(changed_at_last());
  expect({"a"});  // read again, and refused
  EXPECT_FALSE(changed_at_last());
}

TEST_F(FileWatchTest, AChangeWhileReadingIsSeen) {
  write("a", "1");
  const ReadTrail trail;
  ASSERT_TRUE(read_file(path("a"), 1000).ok());
  replace("a", "2");
  ASSERT_TRUE(read_file(path("a"), 1000).ok());
  watch_.expect(trail.marks());
  EXPECT_TRUE(changed_at_last());
}

// A mount of a ConfigMap or Secret: a → ..data/a, ..data → ..1, and ..data is swapped.
TEST_F(FileWatchTest, SeesTheSwappedLinkOfAKubernetesMount) {
  fs::create_directory(path("..1"));
  write("..1/a", "1");
  fs::create_directory_symlink("..1", path("..data"));
  fs::create_symlink("..data/a", path("a"));
  expect({"a"});
  for (const std::string version : {"..2", "..3"}) {
    fs::create_directory(path(version));
    write(version + "/a", version);
    fs::create_directory_symlink(version, path("..data_tmp"));
    fs::rename(path("..data_tmp"), path("..data"));
    fs::remove_all(path(version == "..2" ? "..1" : "..2"));
    EXPECT_TRUE(told());
    EXPECT_TRUE(changed_at_last());
    expect({"a"});
    EXPECT_EQ(read_file(path("a"), 1000).value(), version);
  }
}

TEST_F(FileWatchTest, SeesAFolderThatIsReplacedWhole) {
  fs::create_directory(path("conf"));
  write("conf/a", "1");
  expect({"conf/a"});
  for (int i = 0; i < 2; ++i) {
    fs::rename(path("conf"), path("old" + std::to_string(i)));
    fs::create_directory(path("conf"));
    write("conf/a", "2");
    EXPECT_TRUE(changed_at_last());
    expect({"conf/a"});
  }
  // The watch is on the new folder.
  write("conf/a", "3");
  EXPECT_TRUE(told());
}

TEST_F(FileWatchTest, AnUnreadableFileIsNotReadForEver) {
  write("a", "1");
  ASSERT_EQ(::chmod(path("a").c_str(), 0), 0);
  expect({"a"});
  EXPECT_FALSE(changed_at_last());
  ASSERT_EQ(::chmod(path("a").c_str(), 0600), 0);
  EXPECT_TRUE(changed_at_last());
}

TEST_F(FileWatchTest, AFolderThatWasListedChangesWithItsEntries) {
  fs::create_directory(path("d"));
  {
    const ReadTrail trail;
    ReadTrail::note(path("d"));
    watch_.expect(trail.marks());
  }
  write("d/new", "");
  EXPECT_TRUE(changed_at_last());
}

TEST_F(FileWatchTest, TrailsAreNested) {
  write("a", "1");
  const ReadTrail outer;
  {
    const ReadTrail inner;
    ASSERT_TRUE(read_file(path("a"), 1000).ok());
    EXPECT_FALSE(read_secret_file(path("none")).ok());
    EXPECT_EQ(inner.marks().size(), 2);
    EXPECT_FALSE(inner.marks().at(path("none")).there);
  }
  EXPECT_EQ(outer.marks().size(), 2);
  EXPECT_TRUE(outer.marks().at(path("a")).there);
}

}  // namespace
}  // namespace davy
