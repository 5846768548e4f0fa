#include "mechanisms/store/home.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TemporaryFolder;

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_mode & ALLPERMS : 0;
}

void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Home, IsMadeForItsOwnerAloneAndOpenedAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.file("home");
  const Home made = must(Home::open_or_create(path));
  EXPECT_EQ(made.path(), path);
  EXPECT_EQ(mode_of(path), 0700u);
  EXPECT_EQ(mode_of(path + "/format"), 0600u);
  EXPECT_EQ(must(made.folder().read("format", 100)), "davylamp-home 1\n");
  EXPECT_TRUE(Home::open(path).ok());
  EXPECT_TRUE(Home::open_or_create(path).ok());
}

TEST(Home, TakesAnEmptyFolderAndClosesIt) {
  const TemporaryFolder folder;
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  EXPECT_TRUE(Home::open_or_create(folder.path()).ok());
  EXPECT_EQ(mode_of(folder.path()), 0700u);
}

TEST(Home, IsNotMadeInAFolderWithOtherThings) {
  const TemporaryFolder folder;
  put(folder.file("thesis.tex"), "x");
  const auto home = Home::open_or_create(folder.path());
  ASSERT_FALSE(home.ok());
  EXPECT_TRUE(holds(home.error().text(), "other things")) << home.error().text();
  EXPECT_EQ(mode_of(folder.file("format")), 0u);
}

TEST(Home, MissingOneSaysHowToMakeIt) {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.path(), folder.file("nowhere")}) {
    const auto home = Home::open(path);
    ASSERT_FALSE(home.ok());
    EXPECT_TRUE(holds(home.error().text(), path)) << home.error().text();
    EXPECT_TRUE(holds(home.error().hint, "davy init")) << home.error().text();
  }
}

TEST(Home, ModeThatLetsOthersInIsRefusedWithTheCommandThatMendsIt) {
  const TemporaryFolder folder;
  must(Home::open_or_create(folder.path()));
  ASSERT_EQ(chmod(folder.path().c_str(), 0750), 0);
  const auto home = Home::open(folder.path());
  ASSERT_FALSE(home.ok());
  EXPECT_EQ(home.error().hint, "chmod 700 " + folder.path());
}

TEST(Home, FormatOfANewerDavyIsRefused) {
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.path()));
  ASSERT_TRUE(home.folder().write("format", "davylamp-home 2\n", 0600).ok());
  const auto again = Home::open(folder.path());
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(holds(again.error().text(), "format 2")) << again.error().text();
  for (const char* text : {"", "davylamp-home x\n", "davylamp-home 0\n", "other 1\n"}) {
    ASSERT_TRUE(home.folder().write("format", text, 0600).ok());
    EXPECT_FALSE(Home::open(folder.path()).ok()) << text;
  }
}

TEST(Home, OfANewerDavyIsReadWhereThatSaysSoAndNeverWritten) {
  const TemporaryFolder folder;
  must(Home::open_or_create(folder.path()));
  put(folder.file("format"), "davylamp-home 2 readable-by 1\n");
  const Home home = must(Home::open(folder.path()));
  EXPECT_EQ(home.format(), (HomeFormat{2, 1}));
  const auto lock = HomeLock::take(home);
  ASSERT_FALSE(lock.ok());
  EXPECT_TRUE(holds(lock.error().text(), "may read it and not write it")) << lock.error().text();
  put(folder.file("format"), "davylamp-home 3 readable-by 2\n");
  EXPECT_FALSE(Home::open(folder.path()).ok());
  EXPECT_FALSE(Home::open_for_upgrade(folder.path()).ok());
}

// A folder without `format` that holds a state of davy's.
TEST(Home, FromBeforeFormatsIsToldHowToUpgrade) {
  const TemporaryFolder folder;
  {
    const Home home = must(Home::open_or_create(folder.path()));
    const HomeLock lock = must(HomeLock::take(home));
    must(SqliteStateStore::open(home, lock));
  }
  ASSERT_EQ(unlink(folder.file("format").c_str()), 0);
  for (const auto& home : {Home::open(folder.path()), Home::open_or_create(folder.path())}) {
    ASSERT_FALSE(home.ok());
    EXPECT_TRUE(holds(home.error().text(), "has format 0")) << home.error().text();
    EXPECT_TRUE(holds(home.error().hint, "davy upgrade --dry-run --home " + folder.path()));
  }
  EXPECT_EQ(must(Home::open_for_upgrade(folder.path())).format().number, 0u);
  EXPECT_EQ(mode_of(folder.file("format")), 0u) << "looking changes nothing";
}

TEST(Home, PathHasNoSymbolicLinks) {
  const TemporaryFolder folder;
  must(Home::open_or_create(folder.file("real")));
  ASSERT_EQ(symlink(folder.file("real").c_str(), folder.file("link").c_str()), 0);
  EXPECT_EQ(must(Home::open(folder.file("link"))).path(), folder.file("real"));
}

TEST(HomeLock, SecondWriterIsRefusedWithPathAndPid) {
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.path()));
  {
    const HomeLock first = must(HomeLock::take(home));
    const auto second = HomeLock::take(home, std::chrono::milliseconds(30));
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
    EXPECT_TRUE(holds(second.error().text(), folder.path())) << second.error().text();
    EXPECT_TRUE(holds(second.error().text(), "process " + std::to_string(getpid())))
        << second.error().text();
  }
  EXPECT_TRUE(HomeLock::take(home).ok());
}

TEST(HomeLock, IsNotTakenThroughALink) {
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.path()));
  put(folder.file("victim"), "keep");
  ASSERT_EQ(symlink("victim", folder.file("lock").c_str()), 0);
  EXPECT_FALSE(HomeLock::take(home).ok());
  EXPECT_EQ(must(home.folder().read("victim", 100)), "keep");
}

uid_t owner_of(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_uid : static_cast<uid_t>(-1);
}

TEST(HomeLock, WhatRootMakesInAHomeGoesToItsOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kService = 65534;
  const TemporaryFolder folder;
  const TemporaryFolder elsewhere;
  const std::string path = folder.file("home");
  const Home home = must(Home::open_or_create(path));
  put(elsewhere.file("other"), "of the system");
  ASSERT_EQ(chown(path.c_str(), kService, kService), 0);
  {
    const HomeLock lock = must(HomeLock::take(home));
    put(path + "/state.sqlite", "");
    ASSERT_EQ(link(elsewhere.file("other").c_str(), (path + "/second-name").c_str()), 0);
    ASSERT_EQ(symlink(elsewhere.file("other").c_str(), (path + "/link").c_str()), 0);
    EXPECT_EQ(owner_of(path + "/state.sqlite"), 0u);
  }
  for (const char* name : {"/format", "/lock", "/state.sqlite"}) {
    EXPECT_EQ(owner_of(path + name), kService) << name;
  }
  EXPECT_EQ(owner_of(elsewhere.file("other")), 0u);
}

}  // namespace
}  // namespace davy::store
