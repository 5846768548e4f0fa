#include "mechanisms/store/sqlite_state_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TestHome;
using Rows = std::vector<std::pair<std::string, std::string>>;

Order order(std::string verb = "test.put") {
  return {0, WallTime(std::chrono::seconds(1'800'000'000)), "cli uid 7", std::move(verb), "it"};
}

Rows rows(const StateStore& store, std::string_view table) {
  Rows out;
  EXPECT_TRUE(store.scan(table, [&](auto key, auto value) { out.emplace_back(key, value); }).ok());
  return out;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(SqliteStateStore, KeepsAnyBytesAndTellsEmptyFromAbsent) {
  TestHome t;
  const std::string odd("\0\xff' OR 1=1 --", 14);
  const std::vector<Change> changes = {{"things", odd, odd}, {"things", "empty", std::string()}};
  EXPECT_EQ(must(t.store->apply(order(), changes)), 1u);
  EXPECT_EQ(must(t.store->get("things", odd)), odd);
  EXPECT_EQ(must(t.store->get("things", "empty")), std::string());
  EXPECT_EQ(must(t.store->get("things", "absent")), std::nullopt);
  EXPECT_EQ(must(t.store->get("other", odd)), std::nullopt);
}

TEST(SqliteStateStore, ScansOneTableInTheOrderOfBytes) {
  TestHome t;
  const std::vector<Change> changes = {
      {"a", "b", "1"}, {"a", "B", "2"}, {"a", "\xc3\xa9", "3"}, {"b", "x", "4"}};
  must(t.store->apply(order(), changes));
  EXPECT_EQ(rows(*t.store, "a"), (Rows{{"B", "2"}, {"b", "1"}, {"\xc3\xa9", "3"}}));
  EXPECT_EQ(rows(*t.store, "none"), Rows{});
}

TEST(SqliteStateStore, ErasesAndReplaces) {
  TestHome t;
  must(t.store->apply(order(), std::vector<Change>{{"a", "k", "1"}, {"a", "l", "1"}}));
  must(t.store->apply(order(), std::vector<Change>{{"a", "k", std::nullopt}, {"a", "l", "2"}}));
  EXPECT_EQ(rows(*t.store, "a"), (Rows{{"l", "2"}}));
}

TEST(SqliteStateStore, OrdersAreNumberedWithoutGapsAndComeBack) {
  TestHome t;
  EXPECT_EQ(must(t.store->last_order()), 0u);
  for (int i = 0; i < 5; ++i) must(t.store->apply(order("v" + std::to_string(i)), {}));
  EXPECT_FALSE(t.store->apply(order(), std::vector<Change>{{"Bad Name", "k", "v"}}).ok());
  EXPECT_EQ(must(t.store->last_order()), 5u);
  const auto orders = must(t.store->orders_after(2, 2));
  ASSERT_EQ(orders.size(), 2u);
  EXPECT_EQ(orders[0].sequence, 3u);
  EXPECT_EQ(orders[0].verb, "v2");
  EXPECT_EQ(orders[0].actor, "cli uid 7");
  EXPECT_EQ(orders[0].subject, "it");
  EXPECT_EQ(orders[0].time, order().time);
  EXPECT_TRUE(must(t.store->orders_after(~std::uint64_t{0}, 10)).empty());
}

TEST(SqliteStateStore, RefusesWhatIsOutOfBoundsAndChangesNothing) {
  TestHome t;
  const std::vector<std::vector<Change>> bad = {
      {{"ok", "k", "v"}, {"", "k", "v"}},
      {{"ok", "k", "v"}, {std::string(65, 'a'), "k", "v"}},
      {{"ok", "k", "v"}, {"ok", "", "v"}},
      {{"ok", "k", "v"}, {"ok", std::string(513, 'k'), "v"}},
      {{"ok", "k", "v"}, {"ok", "big", std::string(kMaxValue + 1, 'v')}}};
  for (const auto& changes : bad) EXPECT_FALSE(t.store->apply(order(), changes).ok());
  EXPECT_FALSE(t.store->apply(order(""), {}).ok());
  EXPECT_EQ(rows(*t.store, "ok"), Rows{});
  EXPECT_EQ(must(t.store->last_order()), 0u);
  EXPECT_TRUE(t.store
                  ->apply(order(), std::vector<Change>{{std::string(64, 'a'), std::string(512, 'k'),
                                                        std::string(kMaxValue, 'v')}})
                  .ok());
}

TEST(SqliteStateStore, SurvivesReopeningAndItsFilesAreForTheOwner) {
  TestHome t;
  must(t.store->apply(order(), std::vector<Change>{{"a", "k", "v"}}));
  for (const char* name : {"state.sqlite", "state.sqlite-wal"}) {
    struct stat status {};
    ASSERT_EQ(stat(t.folder.file(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & ALLPERMS, 0600u) << name;
  }
  t.store.reset();
  t.store = must(SqliteStateStore::open(t.home, t.lock));
  EXPECT_EQ(rows(*t.store, "a"), (Rows{{"k", "v"}}));
  EXPECT_EQ(must(t.store->last_order()), 1u);
}

TEST(SqliteStateStore, DamagedFileIsNamedWithWhatToDo) {
  TestHome t;
  std::vector<Change> changes;
  for (int i = 0; i < 200; ++i) {
    changes.push_back({"a", "key" + std::to_string(i), std::string(500, 'v')});
  }
  must(t.store->apply(order(), changes));
  t.store.reset();
  // The end of the file and of its pages: SQLite opens it, the check finds it.
  for (const int offset : {20'000, 0}) {
    std::fstream file(t.folder.file("state.sqlite"), std::ios::in | std::ios::out);
    file.seekp(offset);
    file << std::string(6000, 'X');
    file.close();
    const auto store = SqliteStateStore::open(t.home, t.lock);
    ASSERT_FALSE(store.ok()) << offset;
    EXPECT_TRUE(holds(store.error().text(), "damaged")) << store.error().text();
    EXPECT_TRUE(holds(store.error().text(), t.folder.file("state.sqlite")));
    EXPECT_TRUE(holds(store.error().hint, "backup"));
  }
}

TEST(SqliteStateStore, StateOfANewerDavyAndOtherDatabasesAreRefused) {
  for (const char* sql :
       {"PRAGMA user_version = 2", "PRAGMA user_version = 0; CREATE TABLE songs(title TEXT)"}) {
    TestHome t;
    t.store.reset();
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(t.folder.file("state.sqlite").c_str(), &database), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
    const auto store = SqliteStateStore::open(t.home, t.lock);
    ASSERT_FALSE(store.ok()) << sql;
    EXPECT_EQ(store.error().kind, ErrorKind::invalid_input) << store.error().text();
  }
}

TEST(SqliteStateStore, OrderOfAnotherWriterIsWaitedForThenRefused) {
  TestHome t;
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(t.folder.file("state.sqlite").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto busy = t.store->apply(order(), std::vector<Change>{{"a", "k", "v"}});
  ASSERT_FALSE(busy.ok());
  EXPECT_EQ(busy.error().kind, ErrorKind::unavailable) << busy.error().text();
  sqlite3_close(database);
  EXPECT_EQ(must(t.store->apply(order(), std::vector<Change>{{"a", "k", "v"}})), 1u);
}

}  // namespace
}  // namespace davy::store
