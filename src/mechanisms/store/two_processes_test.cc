// What only two processes can show: one writer, orders across, and what kill -9 leaves.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "mechanisms/store/home_order_desk.h"
#include "mechanisms/store/jsonl_events.h"
#include "mechanisms/store/order_socket.h"
#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TemporaryFolder;
using testing::TestHandler;

OrderRouter::Handlers handlers() {
  OrderRouter::Handlers out;
  out.push_back(std::make_unique<TestHandler>());
  return out;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A child that runs `body` with the writing end of a pipe, and is killed at the end.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      body(ends[1]);
      _exit(0);
    }
    close(ends[1]);
    from_ = ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) kill_now();
    close(from_);
  }
  void kill_now() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  // The next number that the child wrote; 0 at the end.
  std::uint64_t next() {
    std::uint64_t number = 0;
    return read(from_, &number, sizeof number) == sizeof number ? number : 0;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int from_ = -1;
};

void tell(int to, std::uint64_t number) {
  if (write(to, &number, sizeof number) != sizeof number) _exit(3);
}

void serve(const std::string& path, int ready) {
  log::set_output([](std::string_view) {});
  const Home home = must(Home::open_or_create(path));
  const HomeLock lock = must(HomeLock::take(home));
  const auto store = must(SqliteStateStore::open(home, lock));
  OrderRouter router(*store, system_clock(), handlers());
  const auto socket = must(OrderSocket::start(home, lock, router, system_clock()));
  tell(ready, 1);
  for (;;) pause();
}

TEST(TwoProcesses, CommandIsServedByTheServerAndDoesItItselfWhenItIsGone) {
  const TemporaryFolder folder;
  HomeOrderDesk desk(system_clock(), [](const Home&) { return handlers(); });
  {
    Child server([&](int to) { serve(folder.path(), to); });
    ASSERT_EQ(server.next(), 1u);
    const std::string answer = must(desk.order(folder.path(), "test.put", "{}"));
    EXPECT_TRUE(holds(answer, "\"pid\":" + std::to_string(server.pid()))) << answer;

    const Home home = must(Home::open(folder.path()));
    const auto second = HomeLock::take(home);
    ASSERT_FALSE(second.ok());
    EXPECT_TRUE(holds(second.error().text(), std::to_string(server.pid())));
    EXPECT_TRUE(holds(second.error().text(), folder.path()));
    server.kill_now();
  }
  // Its socket file is still there, and nobody listens.
  const std::string answer = must(desk.order(folder.path(), "test.put", "{}"));
  EXPECT_TRUE(holds(answer, "\"pid\":" + std::to_string(getpid()))) << answer;
  EXPECT_TRUE(holds(answer, "\"sequence\":2")) << answer;

  Child again([&](int to) { serve(folder.path(), to); });
  ASSERT_EQ(again.next(), 1u) << "the stale socket file is replaced";
  EXPECT_TRUE(holds(must(desk.order(folder.path(), "test.put", "{}")), "\"sequence\":3"));
}

TEST(TwoProcesses, OrdersSurviveKillWholeOrNotAtAll) {
  const TemporaryFolder folder;
  std::uint64_t told = 0;
  for (int round = 0; round < 5; ++round) {
    Child writer([&](int to) {
      const Home home = must(Home::open_or_create(folder.path()));
      const HomeLock lock = must(HomeLock::take(home));
      const auto store = must(SqliteStateStore::open(home, lock));
      for (;;) {
        const std::uint64_t number = must(store->last_order()) + 1;
        std::vector<Change> changes;
        for (int i = 0; i < 50; ++i) {
          changes.push_back({"rows", "k" + std::to_string(i), std::to_string(number)});
        }
        tell(to, must(store->apply({0, WallTime(), "test", "put", "rows"}, changes)));
      }
    });
    const std::uint64_t before = told;
    while (told < before + 20) {
      const std::uint64_t number = writer.next();
      ASSERT_EQ(number, told + 1) << "no gap, also after a crash";
      told = number;
    }
    writer.kill_now();
    while (const std::uint64_t number = writer.next()) told = number;

    const Home home = must(Home::open(folder.path()));
    const HomeLock lock = must(HomeLock::take(home));
    const auto store = must(SqliteStateStore::open(home, lock));
    const std::uint64_t last = must(store->last_order());
    EXPECT_GE(last, told);
    EXPECT_LE(last, told + 1);
    std::size_t rows = 0;
    ASSERT_TRUE(store
                    ->scan("rows",
                           [&](auto, auto value) {
                             ++rows;
                             EXPECT_EQ(value, std::to_string(last));
                           })
                    .ok());
    EXPECT_EQ(rows, 50u);
    told = last;
  }
}

TEST(TwoProcesses, BegunAndFlushedEventsSurviveKill) {
  const TemporaryFolder folder;
  const auto id = [](std::uint64_t number) { return "req_" + std::to_string(number) + "_"; };
  Child writer([&](int to) {
    const Home home = must(Home::open_or_create(folder.path()));
    const HomeLock lock = must(HomeLock::take(home));
    const auto sink = must(JsonlEventSink::open(home, lock));
    for (std::uint64_t number = 1;; ++number) {
      Event event(Sourcetype::model_api_logs, WallTime(std::chrono::seconds(1'800'000'000)));
      event.set(Field::request_id, id(number));
      if (number % 2 == 0) {
        if (!sink->begin(event).ok()) _exit(4);
      } else {
        if (!sink->append(event).ok() || !sink->flush().ok()) _exit(5);
      }
      tell(to, number);
    }
  });
  std::uint64_t told = 0;
  while (told < 60) {
    const std::uint64_t number = writer.next();
    ASSERT_EQ(number, told + 1);
    told = number;
  }
  writer.kill_now();
  while (const std::uint64_t number = writer.next()) told = number;
  const auto reader = must(JsonlEventReader::open(must(Home::open(folder.path()))));
  for (std::uint64_t number = 1; number <= told; ++number) {
    EXPECT_EQ(must(reader->find(id(number))).size(), 1u) << number;
  }
}

// One is killed again and again while the other appends: whatever it leaves, each line of
// the other is there, once.
TEST(TwoProcesses, BothAppendEventsAndNeitherHurtsTheOthersLines) {
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.path()));
  const HomeLock lock = must(HomeLock::take(home));
  const auto event = [](std::string_view id) {
    Event out(Sourcetype::model_api_logs, WallTime(std::chrono::seconds(1'800'000'000)));
    out.set(Field::request_id, id).set(Field::detail, std::string(3000, 'x'));
    return out;
  };
  log::set_output([](std::string_view) {});
  std::size_t made = 0;
  {
    const auto sink = must(JsonlEventSink::open(home, lock));
    for (int round = 0; round < 10; ++round) {
      Child other([&](int to) {
        const auto its = must(JsonlEventSink::open(home, lock));
        for (std::uint64_t number = 1;; ++number) {
          for (int i = 0; i < 20; ++i) (void)its->append(event("req_theirs"));
          if (!its->flush().ok()) _exit(4);
          if (number == 1) tell(to, number);
        }
      });
      ASSERT_NE(other.next(), 0u);
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(sink->append(event("req_ours_" + std::to_string(made++))).ok());
        ASSERT_TRUE(sink->flush().ok());
      }
      other.kill_now();
    }
  }
  log::set_output({});
  std::map<std::string, int> seen;
  const std::string content = must(home.folder().read(kEventsFile, std::size_t{1} << 30));
  for (const std::string_view line : split(content, '\n')) {
    if (const auto whole = event_from_json(line))
      ++seen[std::string(whole->text(Field::request_id))];
  }
  for (std::size_t i = 0; i < made; ++i) EXPECT_EQ(seen["req_ours_" + std::to_string(i)], 1) << i;
}

}  // namespace
}  // namespace davy::store
