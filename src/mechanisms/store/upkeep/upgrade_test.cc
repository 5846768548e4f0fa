#include "mechanisms/store/upkeep/upgrade.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "mechanisms/store/jsonl_events.h"
#include "mechanisms/store/upkeep/restore.h"
#include "mechanisms/store/upkeep/testing.h"

namespace davy::store {
namespace {

using namespace testing;

// A home from before the file `format`, open to others as such may have been.
struct OldHome : UsedHome {
  OldHome() {
    EXPECT_EQ(unlink(home.file(kFormatFile).c_str()), 0);
    std::filesystem::permissions(home.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(home.file(kEventsFile), std::filesystem::perms(0644));
  }
  [[nodiscard]] Home open() const { return must(Home::open_for_upgrade(home.path())); }
};

TEST(UpgradeSteps, LeadFromZeroToOursAndOneVersionBackReadsEach) {
  std::uint32_t at = 0;
  for (const UpgradeStep& step : upgrade_steps()) {
    EXPECT_EQ(step.to, ++at);
    EXPECT_LT(step.oldest_reader, step.to);
    EXPECT_FALSE(step.what.empty());
  }
  EXPECT_EQ(at, kHomeFormat);
}

TEST(Upgrade, OfOurFormatHasNothingToDo) {
  const UsedHome used;
  EXPECT_TRUE(must(plan_upgrade(used.home, upgrade_steps())).steps.empty());
  EXPECT_EQ(must(upgrade(used.home, upgrade_steps(), "", kNow)), "");
  EXPECT_EQ(names_in(used.home.path()).count("before-format-1-1800000000.tar"), 0u);
}

TEST(Upgrade, PlanSaysStepsAndSpaceAndChangesNothing) {
  const OldHome old;
  const auto before = names_in(old.home.path());
  const UpgradePlan plan = must(plan_upgrade(old.open(), upgrade_steps()));
  EXPECT_EQ(plan.from, 0u);
  EXPECT_EQ(plan.to, 1u);
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_GT(plan.backup_bytes, content(old.home.file(kStateFile)).size());
  EXPECT_GT(plan.free_bytes, 0u);
  EXPECT_EQ(names_in(old.home.path()), before);
  EXPECT_EQ(mode_of(old.home.path()), 0755u);
}

TEST(Upgrade, FromBeforeFormatsGivesOursAndABackupOfWhatWas) {
  const OldHome old;
  EXPECT_FALSE(Home::open(old.home.path()).ok());
  const std::string backup = must(upgrade(old.open(), upgrade_steps(), "", kNow));
  EXPECT_EQ(backup, old.home.file("before-format-1-1800000000.tar"));
  const Home home = must(Home::open(old.home.path()));
  EXPECT_EQ(home.format(), HomeFormat{});
  EXPECT_EQ(content(home.file(kFormatFile)), "davylamp-home 1\n");
  for (const char* const name : {kEventsFile, kStateFile, kPepperFile}) {
    EXPECT_EQ(mode_of(home.file(name)), 0600u) << name;
  }
  {
    const HomeLock lock = must(HomeLock::take(home));
    EXPECT_EQ(must(must(SqliteStateStore::open(home, lock))->last_order()), 3u);
  }
  // The backup is of format 0, and can be upgraded in turn.
  const RestoreReport restored = must(restore(backup, old.folder.file("again")));
  EXPECT_EQ(restored.facts.format.number, 0u);
  EXPECT_EQ(restored.facts.pepper, PepperPart::included);
  EXPECT_FALSE(Home::open(restored.home).ok());
  must(upgrade(must(Home::open_for_upgrade(restored.home)), upgrade_steps(),
               old.folder.file("b.tar"), kNow));
  EXPECT_TRUE(Home::open(restored.home).ok());
  EXPECT_EQ(names_in(old.folder.path()).count("b.tar"), 1u);
}

TEST(Upgrade, WhileAnotherWritesIsRefused) {
  const UsedHome used;
  const HomeLock lock = must(HomeLock::take(used.home));
  EXPECT_EQ(unlink(used.home.file(kFormatFile).c_str()), 0);
  const Home home = must(Home::open_for_upgrade(used.home.path()));
  const auto done = upgrade(home, upgrade_steps(), "", kNow);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(holds(done.error().text(), "in use by process"));
  EXPECT_EQ(names_in(home.path()).count(kFormatFile), 0u);
}

TEST(Upgrade, OfAStateThatIsNotOursStopsBeforeAnything) {
  const OldHome old;
  put(old.home.file(kStateFile), content(old.home.file(kStateFile)).substr(0, 100) + "rest");
  EXPECT_FALSE(upgrade(old.open(), upgrade_steps(), "", kNow).ok());
  EXPECT_EQ(names_in(old.home.path()).count(kFormatFile), 0u);
}

// A davy of tomorrow: format 2 keeps a second event file, which today's need not know.
Result<std::uint64_t> no_space(const Home&) { return std::uint64_t{0}; }
Result<std::uint64_t> too_much(const Home&) { return ~std::uint64_t{0} / 2; }
Result<void> add_file(const Home& home) { return home.folder().write("second", "x", 0600); }
Result<void> add_and_fail(const Home& home) {
  DAVY_TRY(add_file(home));
  return internal_error("power cut");
}

std::vector<UpgradeStep> with(UpgradeStep step) {
  std::vector<UpgradeStep> steps(upgrade_steps().begin(), upgrade_steps().end());
  steps.push_back(step);
  return steps;
}

TEST(Upgrade, OneVersionBackReadsWhatCameOfIt) {
  const OldHome old;
  must(upgrade(old.open(), with({2, 1, "x", no_space, add_file}), "", kNow));
  EXPECT_EQ(content(old.home.file(kFormatFile)), "davylamp-home 2 readable-by 1\n");
  // This davy is one version back: it reads events and makes backups, and writes nothing.
  const Home home = must(Home::open(old.home.path()));
  EXPECT_TRUE(JsonlEventReader::open(home).ok());
  const BackupReport report = must(back_up(home, old.folder.file("b.tar"), true, kNow));
  EXPECT_EQ(report.facts.format, (HomeFormat{2, 1}));
  EXPECT_FALSE(HomeLock::take(home).ok());
  // And its backup is the same home again.
  must(restore(report.file, old.folder.file("again")));
  EXPECT_EQ(content(old.folder.file("again/format")), "davylamp-home 2 readable-by 1\n");
}

TEST(Upgrade, ThatWasCutShortIsTakenFurther) {
  const OldHome old;
  const auto cut = upgrade(old.open(), with({2, 1, "x", no_space, add_and_fail}), "", kNow);
  EXPECT_FALSE(cut.ok());
  EXPECT_EQ(content(old.home.file(kFormatFile)), "davylamp-home 1\n") << "the first step was done";
  must(upgrade(old.open(), with({2, 1, "x", no_space, add_file}), "",
               kNow + std::chrono::seconds(1)));
  EXPECT_EQ(content(old.home.file(kFormatFile)), "davylamp-home 2 readable-by 1\n");
}

TEST(Upgrade, WithoutRoomOnTheDiskChangesNothing) {
  const OldHome old;
  const auto steps = with({2, 1, "x", too_much, add_file});
  EXPECT_FALSE(must(plan_upgrade(old.open(), steps)).fits());
  const auto done = upgrade(old.open(), steps, "", kNow);
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(holds(done.error().text(), "make room on the disk"));
  EXPECT_EQ(names_in(old.home.path()).count(kFormatFile), 0u);
  EXPECT_FALSE(plan_upgrade(old.open(), with({3, 2, "x", no_space, add_file})).ok())
      << "a step is missing";
}

}  // namespace
}  // namespace davy::store
