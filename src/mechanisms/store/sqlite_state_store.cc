#include "mechanisms/store/sqlite_state_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace davy::store {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kBusyMillis = 2000;  // a backup or a curious sqlite3 shell may read meanwhile
constexpr int kApplicationId = 0x64617679;  // "davy"

constexpr char kSchema[] =
    "CREATE TABLE state(tbl TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(tbl, key)) WITHOUT ROWID;"
    "CREATE TABLE orders(sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL,"
    " actor TEXT NOT NULL, verb TEXT NOT NULL, subject TEXT NOT NULL);";

enum Query : std::size_t { kGet, kScan, kPut, kErase, kInsertOrder, kLast, kAfter, kCount };
constexpr std::array<const char*, kCount> kQueries = {
    "SELECT value FROM state WHERE tbl = ?1 AND key = ?2",
    "SELECT key, value FROM state WHERE tbl = ?1 ORDER BY key",
    "INSERT INTO state(tbl, key, value) VALUES(?1, ?2, ?3)"
    " ON CONFLICT(tbl, key) DO UPDATE SET value = excluded.value",
    "DELETE FROM state WHERE tbl = ?1 AND key = ?2",
    "INSERT INTO orders(sequence, time, actor, verb, subject) VALUES(?1, ?2, ?3, ?4, ?5)",
    "SELECT coalesce(max(sequence), 0) FROM orders",
    "SELECT sequence, time, actor, verb, subject FROM orders WHERE sequence > ?1"
    " ORDER BY sequence LIMIT ?2",
};

bool is_table_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTableName &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos;
}

Result<void> check(const Change& change) {
  if (!is_table_name(change.table)) return invalid_input("a table's name is 1 to 64 of a-z and _");
  if (change.key.empty() || change.key.size() > kMaxKey) {
    return invalid_input(fmt::format("a key in '{}' has 1 to {} bytes", change.table, kMaxKey));
  }
  if (change.value && change.value->size() > kMaxValue) {
    return limit_reached(
        fmt::format("a value in '{}' has at most {} bytes", change.table, kMaxValue));
  }
  return {};
}

std::int64_t micros(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

WallTime from_micros(std::int64_t count) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::microseconds(count)));
}

}  // namespace

struct SqliteStateStore::Connection {
  struct Close {
    void operator()(sqlite3* open) const noexcept { sqlite3_close_v2(open); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };

  std::string path;
  std::unique_ptr<sqlite3, Close> database;
  std::array<std::unique_ptr<sqlite3_stmt, Finalize>, kCount> statements;

  // What the last call on the database went wrong with.
  [[nodiscard]] Error error(std::string_view doing) const {
    const int code = database ? sqlite3_extended_errcode(database.get()) : SQLITE_NOMEM;
    const char* const text = database ? sqlite3_errmsg(database.get()) : "out of memory";
    std::string message = fmt::format("cannot {} the state: {}", doing, text);
    switch (code & 0xFF) {
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB: return damaged(text);
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return unavailable(std::move(message), {path}, "close what else has this file open");
      case SQLITE_FULL: return unavailable(std::move(message), {path}, "make room on the disk");
      case SQLITE_CANTOPEN:
      case SQLITE_READONLY:
      case SQLITE_PERM:
        return invalid_input(std::move(message), {path}, "check the owner and mode of the file");
      case SQLITE_IOERR: return unavailable(std::move(message), {path}, "check the disk");
      default: return internal_error(std::move(message), {path});
    }
  }

  [[nodiscard]] Error damaged(std::string_view text) const {
    return internal_error(fmt::format("the state database is damaged: {}", text), {path},
                          "restore this file from a backup; the events are not touched");
  }

  [[nodiscard]] Result<void> execute(const char* sql, std::string_view doing) const {
    if (sqlite3_exec(database.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      return error(doing);
    }
    return {};
  }

  // The first column of the first row.
  [[nodiscard]] Result<std::unique_ptr<sqlite3_stmt, Finalize>> single(const char* sql) const {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database.get(), sql, -1, &raw, nullptr) != SQLITE_OK) {
      return error("read");
    }
    std::unique_ptr<sqlite3_stmt, Finalize> statement(raw);
    if (sqlite3_step(raw) != SQLITE_ROW) return error("read");
    return statement;
  }
  [[nodiscard]] Result<std::int64_t> number(const char* sql) const {
    DAVY_ASSIGN(const auto statement, single(sql));
    return sqlite3_column_int64(statement.get(), 0);
  }
  [[nodiscard]] Result<std::string> text(const char* sql) const {
    DAVY_ASSIGN(const auto statement, single(sql));
    return std::string(static_cast<const char*>(sqlite3_column_blob(statement.get(), 0)),
                       static_cast<std::size_t>(sqlite3_column_bytes(statement.get(), 0)));
  }
};

namespace {

// One use of a prepared statement; it is ready for the next when this goes.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  // The bytes must stay until this goes.
  Use& text(int at, std::string_view value) {
    good_ = good_ && sqlite3_bind_text64(statement_, at, not_null(value), value.size(),
                                         SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
    return *this;
  }
  Use& blob(int at, std::string_view value) {
    good_ = good_ && sqlite3_bind_blob64(statement_, at, not_null(value), value.size(),
                                         SQLITE_STATIC) == SQLITE_OK;
    return *this;
  }
  Use& integer(int at, std::int64_t value) {
    good_ = good_ && sqlite3_bind_int64(statement_, at, value) == SQLITE_OK;
    return *this;
  }

  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return good_ ? sqlite3_step(statement_) : SQLITE_MISUSE; }

  [[nodiscard]] std::string_view bytes(int column) const {
    const void* const data = sqlite3_column_blob(statement_, column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  [[nodiscard]] std::int64_t number(int column) const {
    return sqlite3_column_int64(statement_, column);
  }

 private:
  // A null pointer would bind NULL, and an empty value is not that.
  static const char* not_null(std::string_view value) {
    return value.data() != nullptr ? value.data() : "";
  }

  sqlite3_stmt* statement_;
  bool good_ = true;
};

}  // namespace

SqliteStateStore::SqliteStateStore(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
SqliteStateStore::~SqliteStateStore() = default;

Result<std::unique_ptr<SqliteStateStore>> SqliteStateStore::open(const Home& home,
                                                                 const HomeLock&) {
  {
    // SQLite gives its further files the mode of this one.
    DAVY_ASSIGN(const Fd made, home.folder().open_append(kStateFile, 0600));
  }
  auto made = std::make_unique<Connection>();
  Connection& c = *made;
  c.path = home.file(kStateFile);
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(
      c.path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_FULLMUTEX,
      nullptr);
  c.database.reset(raw);
  if (opened != SQLITE_OK) return c.error("open");
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyMillis);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  DAVY_TRY(
      c.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                "PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON;",
                "open"));
  DAVY_ASSIGN(const std::int64_t version, c.number("PRAGMA user_version"));
  if (version == 0) {
    DAVY_ASSIGN(const std::int64_t tables, c.number("SELECT count(*) FROM sqlite_schema"));
    if (tables != 0) {
      return invalid_input("is an SQLite database, but not one of davy's", {c.path},
                           "move it away, or give another home");
    }
    const std::string sql = fmt::format(
        "BEGIN IMMEDIATE; {} PRAGMA application_id = {}; PRAGMA user_version = {};"
        "COMMIT;",
        kSchema, kApplicationId, kSchemaVersion);
    DAVY_TRY(c.execute(sql.c_str(), "set up"));
  } else if (version != kSchemaVersion) {
    return invalid_input(fmt::format("the state has schema version {}; this davy knows version {}",
                                     version, kSchemaVersion),
                         {c.path}, "use the davy that wrote it, or a newer one");
  }
  DAVY_ASSIGN(const std::string health, c.text("PRAGMA quick_check(1)"));
  if (health != "ok") return c.damaged(health);
  for (std::size_t i = 0; i < kCount; ++i) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(raw, kQueries[i], -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK) {
      return c.error("open");
    }
    c.statements[i].reset(statement);
  }
  return std::unique_ptr<SqliteStateStore>(new SqliteStateStore(std::move(made)));
}

Result<std::optional<std::string>> SqliteStateStore::get(std::string_view table,
                                                         std::string_view key) const {
  const std::lock_guard lock(mutex_);
  Use use(connection_->statements[kGet].get());
  switch (use.text(1, table).blob(2, key).step()) {
    case SQLITE_ROW: return std::optional<std::string>(use.bytes(0));
    case SQLITE_DONE: return std::optional<std::string>();
    default: return connection_->error("read");
  }
}

Result<void> SqliteStateStore::scan(
    std::string_view table,
    const std::function<void(std::string_view key, std::string_view value)>& row) const {
  const std::lock_guard lock(mutex_);
  Use use(connection_->statements[kScan].get());
  use.text(1, table);
  for (;;) {
    const int stepped = use.step();
    if (stepped == SQLITE_DONE) return {};
    if (stepped != SQLITE_ROW) return connection_->error("read");
    row(use.bytes(0), use.bytes(1));
  }
}

Result<std::uint64_t> SqliteStateStore::apply(const Order& order, std::span<const Change> changes) {
  if (order.verb.empty()) return invalid_input("an order needs a verb");
  for (const Change& change : changes) DAVY_TRY(check(change));
  const std::lock_guard lock(mutex_);
  DAVY_TRY(connection_->execute("BEGIN IMMEDIATE", "change"));
  auto written = [&]() -> Result<std::uint64_t> {
    std::uint64_t sequence = 0;
    {
      Use last(connection_->statements[kLast].get());
      if (last.step() != SQLITE_ROW) return connection_->error("read");
      sequence = static_cast<std::uint64_t>(last.number(0)) + 1;
    }
    DAVY_TRY(write_order(order, sequence, changes));
    DAVY_TRY(connection_->execute("COMMIT", "change"));
    return sequence;
  }();
  // Some errors have rolled back by themselves.
  if (!written && sqlite3_get_autocommit(connection_->database.get()) == 0) {
    sqlite3_exec(connection_->database.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return written;
}

Result<void> SqliteStateStore::write_order(const Order& order, std::uint64_t sequence,
                                           std::span<const Change> changes) {
  {
    Use insert(connection_->statements[kInsertOrder].get());
    insert.integer(1, static_cast<std::int64_t>(sequence)).integer(2, micros(order.time));
    insert.text(3, order.actor).text(4, order.verb).text(5, order.subject);
    if (insert.step() != SQLITE_DONE) return connection_->error("change");
  }
  for (const Change& change : changes) {
    Use use(connection_->statements[change.value ? kPut : kErase].get());
    use.text(1, change.table).blob(2, change.key);
    if (change.value) use.blob(3, *change.value);
    if (use.step() != SQLITE_DONE) return connection_->error("change");
  }
  return {};
}

Result<std::uint64_t> SqliteStateStore::last_order() const {
  const std::lock_guard lock(mutex_);
  Use use(connection_->statements[kLast].get());
  if (use.step() != SQLITE_ROW) return connection_->error("read");
  return static_cast<std::uint64_t>(use.number(0));
}

Result<std::vector<Order>> SqliteStateStore::orders_after(std::uint64_t sequence,
                                                          std::size_t limit) const {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::vector<Order> orders;
  if (sequence > kMost) return orders;
  const std::lock_guard lock(mutex_);
  Use use(connection_->statements[kAfter].get());
  use.integer(1, static_cast<std::int64_t>(sequence));
  use.integer(2, static_cast<std::int64_t>(std::min<std::uint64_t>(limit, kMost)));
  for (;;) {
    const int stepped = use.step();
    if (stepped == SQLITE_DONE) return orders;
    if (stepped != SQLITE_ROW) return connection_->error("read");
    orders.push_back({static_cast<std::uint64_t>(use.number(0)), from_micros(use.number(1)),
                      std::string(use.bytes(2)), std::string(use.bytes(3)),
                      std::string(use.bytes(4))});
  }
}

}  // namespace davy::store
