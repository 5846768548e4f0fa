#include "mechanisms/store/upkeep/backup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "mechanisms/crypto/sha256.h"
#include "mechanisms/store/upkeep/restore.h"
#include "mechanisms/store/upkeep/testing.h"

namespace davy::store {
namespace {

using namespace testing;

TEST(Backup, IsOneFileForItsOwnerAndSaysWhatItHolds) {
  const UsedHome used;
  const std::string file = used.folder.file("b.tar");
  const BackupReport report = must(back_up(used.home, file, false, kNow));
  EXPECT_EQ(report.file, file);
  EXPECT_EQ(mode_of(file), 0600u);
  EXPECT_EQ(report.bytes, content(file).size());
  EXPECT_EQ(report.sha256, crypto::sha256_hex(content(file)));
  EXPECT_EQ(report.facts.last_order, 3u);
  EXPECT_EQ(report.facts.events, 2u) << "what was not written whole is not there";
  EXPECT_EQ(report.facts.created, "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(names_in(used.folder.path()), (std::set<std::string>{"b.tar", "home"}))
      << "nothing is left beside it";
}

TEST(Backup, LeavesThePepperOutUnlessItIsAskedFor) {
  const UsedHome used;
  const std::string pepper = content(used.home.file(kPepperFile));
  const BackupReport plain = must(back_up(used.home, used.folder.file("a"), false, kNow));
  EXPECT_EQ(plain.facts.pepper, PepperPart::left_out);
  EXPECT_FALSE(holds(content(plain.file), pepper));
  const BackupReport full = must(back_up(used.home, used.folder.file("b"), true, kNow));
  EXPECT_EQ(full.facts.pepper, PepperPart::included);
  EXPECT_TRUE(holds(content(full.file), pepper));
  std::filesystem::remove(used.home.file(kPepperFile));
  EXPECT_EQ(must(back_up(used.home, used.folder.file("c"), true, kNow)).facts.pepper,
            PepperPart::elsewhere);
}

TEST(Backup, InAFolderIsNamedByTheTimeAndReplacesNothing) {
  const UsedHome used;
  const BackupReport report = must(back_up(used.home, used.folder.path(), false, kNow));
  EXPECT_EQ(report.file, used.folder.file("davylamp-20270115T080000Z.tar"));
  const auto again = back_up(used.home, used.folder.path(), false, kNow);
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(holds(again.error().text(), "exists already")) << again.error().text();
  EXPECT_FALSE(back_up(used.home, used.folder.file("no/such/x"), false, kNow).ok());
}

TEST(Backup, OfAHomeWithoutStateSaysSo) {
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.file("home")));
  const auto made = back_up(home, folder.file("b"), false, kNow);
  ASSERT_FALSE(made.ok());
  EXPECT_TRUE(holds(made.error().text(), "no state yet")) << made.error().text();
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"home"}) << "whole or not at all";
}

// Each order changes two rows together; a copy in between would show them apart.
TEST(Backup, IsOneMomentOfAStateThatIsWritten) {
  const UsedHome used(0);
  const HomeLock lock = must(HomeLock::take(used.home));
  const auto store = must(SqliteStateStore::open(used.home, lock));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 1; !stop; ++i) {
      const std::string value = std::to_string(i);
      const std::vector<Change> changes = {{"t", "a", value}, {"t", "b", value}};
      must(store->apply({0, WallTime(), "test", "put", "t"}, changes));
    }
  });
  while (must(store->last_order()) == 0) std::this_thread::yield();
  for (int i = 0; i < 5; ++i) {
    const std::string name = "b" + std::to_string(i);
    const BackupReport report = must(back_up(used.home, used.folder.file(name), false, kNow));
    must(restore(report.file, used.folder.file("home-" + name)));
    const Home restored = must(Home::open(used.folder.file("home-" + name)));
    const HomeLock its_lock = must(HomeLock::take(restored));
    const auto copy = must(SqliteStateStore::open(restored, its_lock));
    EXPECT_EQ(must(copy->last_order()), report.facts.last_order);
    const std::optional<std::string> last = std::to_string(report.facts.last_order);
    EXPECT_EQ(must(copy->get("t", "a")), last);
    EXPECT_EQ(must(copy->get("t", "b")), last);
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace davy::store
