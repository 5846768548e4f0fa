// For tests only: a folder that goes away, and a handler that shows how it was called.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/orders.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/sqlite_state_store.h"

namespace davy::store::testing {

// The value, or the end of the test program with the error's text.
template <class T>
T must(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "unexpected: {}\n", result.error().text());
    std::abort();
  }
  return std::move(result).value();
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "davy-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = std::filesystem::canonical(pattern).string();
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A home with its lock and store, in a folder that goes away.
struct TestHome {
  TemporaryFolder folder;
  Home home = must(Home::open_or_create(folder.path()));
  HomeLock lock = must(HomeLock::take(home));
  std::unique_ptr<SqliteStateStore> store = must(SqliteStateStore::open(home, lock));
};

// test.put {…}: keeps its arguments in table `test` under "last"; the answer tells who
// asked and which process answered. test.fail: an error with place and hint. test.text:
// an answer that is no JSON, as a faulty handler would give.
class TestHandler final : public OrderHandler {
 public:
  std::vector<std::string_view> verbs() const override {
    return {"test.put", "test.fail", "test.text"};
  }
  Result<std::string> carry_out(const OrderRequest& request, StateStore& state, Now now) override {
    if (request.verb == "test.fail") return limit_reached("too much", {"some.file", 3}, "do less");
    if (request.verb == "test.text") return std::string("no JSON");
    const std::vector<Change> changes = {{"test", "last", request.arguments}};
    DAVY_ASSIGN(const std::uint64_t sequence,
                state.apply({0, now.wall, request.actor, request.verb, "last"}, changes));
    return fmt::format(R"({{"sequence":{},"actor":"{}","pid":{}}})", sequence, request.actor,
                       getpid());
  }
};

}  // namespace davy::store::testing
