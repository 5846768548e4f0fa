#include "mechanisms/store/upkeep/restore.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "mechanisms/crypto/sha256.h"
#include "mechanisms/store/upkeep/archive.h"
#include "mechanisms/store/upkeep/manifest.h"
#include "mechanisms/store/upkeep/testing.h"

namespace davy::store {
namespace {

using namespace testing;

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries entries_of(const std::string& file) {
  const std::string bytes = content(file);
  std::size_t at = 0;
  ArchiveReader reader([&](char* to, std::size_t size) -> Result<std::size_t> {
    const std::size_t give = std::min(size, bytes.size() - at);
    std::copy_n(bytes.data() + at, give, to);
    at += give;
    return give;
  });
  Entries out;
  while (const auto entry = must(reader.next())) {
    std::string all(static_cast<std::size_t>(entry->size), '\0');
    std::size_t done = 0;
    while (done < all.size()) done += must(reader.read(all.data() + done, all.size() - done));
    out.emplace_back(entry->name, all);
  }
  return out;
}

std::string packed(const Entries& entries) {
  std::string out;
  ArchiveWriter writer([&](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  });
  for (const auto& [name, bytes] : entries) {
    EXPECT_TRUE(writer.begin({name, bytes.size(), 0}).ok());
    EXPECT_TRUE(writer.write(bytes).ok());
  }
  EXPECT_TRUE(writer.finish().ok());
  return out;
}

class RestoreTest : public ::testing::Test {
 protected:
  std::string backup(bool with_secrets) {
    return must(back_up(used_.home, used_.folder.file("b.tar"), with_secrets, kNow)).file;
  }
  [[nodiscard]] std::string target() const { return used_.folder.file("restored"); }

  // The error of restoring these bytes; nothing may stay behind.
  std::string trouble(const std::string& bytes) {
    put(used_.folder.file("x.tar"), bytes);
    const auto done = restore(used_.folder.file("x.tar"), target());
    EXPECT_FALSE(done.ok());
    EXPECT_EQ(names_in(target()), std::set<std::string>());
    return done ? "" : done.error().text();
  }
  // The same after a change of the entries, with a manifest that fits them.
  std::string trouble_with(const std::function<void(Entries&)>& change) {
    Entries entries = entries_of(backup_);
    change(entries);
    Manifest manifest = must(parse_manifest(entries.back().second));
    manifest.files.clear();
    for (const auto& [name, bytes] : entries) {
      if (name == kManifestFile) continue;
      manifest.files.push_back({name, bytes.size(), crypto::sha256_hex(bytes)});
    }
    entries.back().second = manifest_json(manifest);
    return trouble(packed(entries));
  }

  UsedHome used_;
  std::string backup_ = backup(true);
};

TEST_F(RestoreTest, GivesTheHomeBackForItsOwnerAlone) {
  const RestoreReport report = must(restore(backup_, target()));
  EXPECT_EQ(report.facts.events, 2u);
  const Home home = must(Home::open(target()));
  EXPECT_EQ(names_in(target()),
            (std::set<std::string>{"format", "state.sqlite", "events.jsonl", "pepper"}));
  EXPECT_EQ(mode_of(target()), 0700u);
  for (const std::string& name : names_in(target()))
    EXPECT_EQ(mode_of(target() + "/" + name), 0600u);
  EXPECT_EQ(content(home.file(kEventsFile)), "{\"a\":1}\n{\"b\":2}\n");
  EXPECT_EQ(content(home.file(kPepperFile)), content(used_.home.file(kPepperFile)));
  const HomeLock lock = must(HomeLock::take(home));
  const auto store = must(SqliteStateStore::open(home, lock));
  EXPECT_EQ(must(store->last_order()), 3u);
  EXPECT_EQ(must(store->get("keys", "k2")), std::optional<std::string>("{}"));
}

TEST_F(RestoreTest, OverwritesNothing) {
  must(Folder::open_or_create(target()));
  put(target() + "/letter", "mine");
  const auto done = restore(backup_, target());
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(holds(done.error().text(), target() + ": the folder is not empty"));
  EXPECT_EQ(names_in(target()), std::set<std::string>{"letter"});
  EXPECT_FALSE(restore(backup_, used_.home.path()).ok()) << "not over a home either";
}

TEST_F(RestoreTest, ComparesTheSumThatWasKept) {
  const std::string sum = crypto::sha256_hex(content(backup_));
  const auto other = restore(backup_, target(), std::string(64, '0'));
  ASSERT_FALSE(other.ok());
  EXPECT_TRUE(holds(other.error().text(), sum)) << other.error().text();
  EXPECT_EQ(names_in(target()), std::set<std::string>());
  EXPECT_TRUE(restore(backup_, target(), sum).ok());
}

TEST_F(RestoreTest, WhatWasCutOrChangedIsNoticed) {
  const std::string bytes = content(backup_);
  for (std::size_t size = 0; size < bytes.size(); size += 4096 + 512)
    trouble(bytes.substr(0, size));
  for (std::size_t at = 0; at < bytes.size(); at += 1111) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_TRUE(holds(trouble(changed), "x.tar")) << at;
  }
  trouble("");
  trouble("not an archive at all");
}

TEST_F(RestoreTest, EntriesAreTheFiveInTheirOrder) {
  EXPECT_TRUE(
      holds(trouble_with([](Entries& e) { std::swap(e[1], e[2]); }), "does not belong here"));
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e[2].first = "authorized_keys"; }),
                    "authorized_keys does not belong here"));
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e.insert(e.begin() + 3, e[3]); }),
                    "does not belong here"));
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e[0].second = std::string(300, 'x'); }),
                    "format is larger"));
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e[3].second = std::string(70'000, 'x'); }),
                    "pepper is too large"));
  Entries more = entries_of(backup_);
  more.push_back({"z", ""});
  EXPECT_TRUE(holds(trouble(packed(more)), "behind the manifest"));
  Entries fewer = entries_of(backup_);
  fewer.pop_back();
  EXPECT_TRUE(holds(trouble(packed(fewer)), "too few entries"));
}

TEST_F(RestoreTest, AFormatThatThisDavyCannotReadIsRefused) {
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e[0].second = "davylamp-home 9\n"; }),
                    "holds a home of format 9"));
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e[0].second = "hello\n"; }),
                    "does not say which format"));
}

TEST_F(RestoreTest, EventsAndOrdersThatAreNotAllThereAreNoticed) {
  EXPECT_TRUE(holds(trouble_with([](Entries& e) { e[2].second = "{}\n"; }), "events are not all"));
}

// Changes the state by SQL; a state may come from anywhere.
void change_state(std::string& bytes, const char* sql) {
  const TemporaryFolder folder;
  put(folder.file("s"), bytes);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(folder.file("s").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  sqlite3_close(database);
  bytes = content(folder.file("s"));
}

TEST_F(RestoreTest, AStateThatWouldActByItselfIsRefused) {
  for (const char* const sql :
       {"CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM state; END",
        "CREATE VIEW v AS SELECT 1", "CREATE TABLE more(x)", "DROP TABLE state",
        "DROP TABLE state; CREATE VIEW state AS SELECT 1"}) {
    EXPECT_TRUE(holds(trouble_with([&](Entries& e) { change_state(e[1].second, sql); }),
                      "other tables than davy's"))
        << sql;
  }
  EXPECT_TRUE(holds(
      trouble_with([](Entries& e) { change_state(e[1].second, "PRAGMA application_id = 1"); }),
      "another program's"));
  EXPECT_TRUE(
      holds(trouble_with([](Entries& e) { change_state(e[1].second, "DELETE FROM orders"); }),
            "orders are not all there"));
  EXPECT_TRUE(
      holds(trouble_with([](Entries& e) { e[1].second = "SQLite format 3?"; }), "no whole state"));
}

TEST_F(RestoreTest, AFifoOrAFolderIsNoBackup) {
  const std::string fifo = used_.folder.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(restore(fifo, target()).ok());
  EXPECT_FALSE(restore(used_.folder.path(), target()).ok());
  EXPECT_FALSE(restore(used_.folder.file("nowhere"), target()).ok());
}

}  // namespace
}  // namespace davy::store
