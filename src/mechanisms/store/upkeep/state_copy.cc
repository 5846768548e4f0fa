#include "mechanisms/store/upkeep/state_copy.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <memory>
#include <optional>
#include <set>
#include <string_view>

namespace davy::store {
namespace {

constexpr int kBusyMillis = 10'000;
constexpr std::int64_t kApplicationId = 0x64617679;  // "davy"

struct Close {
  void operator()(sqlite3* open) const noexcept { sqlite3_close_v2(open); }
};
using Database = std::unique_ptr<sqlite3, Close>;

Error trouble(sqlite3* database, std::string_view doing, const std::string& path) {
  const int code = database != nullptr ? sqlite3_errcode(database) : SQLITE_NOMEM;
  std::string message = fmt::format("cannot {} the state: {}", doing, sqlite3_errstr(code));
  if ((code & 0xFF) == SQLITE_FULL) {
    return unavailable(std::move(message), {path}, "make room on the disk");
  }
  return unavailable(std::move(message), {path});
}

Result<Database> open(const std::string& path, int flags, std::string_view doing) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database database(raw);
  if (opened != SQLITE_OK) return trouble(raw, doing, path);
  sqlite3_busy_timeout(raw, kBusyMillis);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

// The first column of every row, as text; nothing after an error.
std::optional<std::multiset<std::string>> column(sqlite3* database, const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database, sql, -1, &raw, nullptr) != SQLITE_OK) return std::nullopt;
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  std::multiset<std::string> out;
  for (;;) {
    const int stepped = sqlite3_step(raw);
    if (stepped == SQLITE_DONE) return out;
    if (stepped != SQLITE_ROW || out.size() > 100) return std::nullopt;
    const void* const text = sqlite3_column_blob(raw, 0);
    out.emplace(static_cast<const char*>(text),
                text == nullptr ? 0 : static_cast<std::size_t>(sqlite3_column_bytes(raw, 0)));
  }
}

Result<StateFacts> facts(sqlite3* database, const std::string& path) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database, "SELECT coalesce(max(sequence), 0) FROM orders", -1, &raw,
                         nullptr) != SQLITE_OK) {
    return trouble(database, "read", path);
  }
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  if (sqlite3_step(raw) != SQLITE_ROW) return trouble(database, "read", path);
  return StateFacts{static_cast<std::uint64_t>(sqlite3_column_int64(raw, 0))};
}

}  // namespace

Result<StateFacts> copy_state(const std::string& from, const std::string& to) {
  DAVY_ASSIGN(const Database source, open(from, SQLITE_OPEN_READWRITE, "copy"));
  DAVY_ASSIGN(const Database target, open(to, SQLITE_OPEN_READWRITE, "copy"));
  const std::unique_ptr<sqlite3_backup, int (*)(sqlite3_backup*)> backup(
      sqlite3_backup_init(target.get(), "main", source.get(), "main"), sqlite3_backup_finish);
  if (!backup) return trouble(target.get(), "copy", to);
  // All pages in one step, so under one read lock: one moment of the state.
  if (sqlite3_backup_step(backup.get(), -1) != SQLITE_DONE) {
    return trouble(target.get(), "copy", to);
  }
  // One file, without a log beside it.
  if (sqlite3_exec(target.get(), "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr) !=
      SQLITE_OK) {
    return trouble(target.get(), "copy", to);
  }
  return facts(target.get(), to);
}

Result<StateFacts> check_state(const std::string& file) {
  const auto refused = [&](std::string_view why) {
    return invalid_input(fmt::format("is no whole state of davy's: {}", why), {file});
  };
  DAVY_ASSIGN(const Database database, open(file, SQLITE_OPEN_READONLY, "read"));
  const auto number = [&](const char* sql) {
    const auto rows = column(database.get(), sql);
    return rows && rows->size() == 1 ? *rows->begin() : "";
  };
  if (number("PRAGMA application_id") != std::to_string(kApplicationId)) {
    return refused("it is another program's, or none");
  }
  const auto tables = column(database.get(), "SELECT type || ' ' || name FROM sqlite_schema");
  if (tables != std::multiset<std::string>{"table orders", "table state"}) {
    return refused("it has other tables than davy's");
  }
  if (number("PRAGMA quick_check(1)") != "ok") return refused("it is damaged");
  return facts(database.get(), file);
}

}  // namespace davy::store
