#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "mechanisms/store/jsonl_events.h"
#include "mechanisms/store/sqlite_state_store.h"
#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TemporaryFolder;
using testing::TestHome;

constexpr int kThreads = 4;

TEST(ConcurrentEvents, EveryAppendedEventIsInTheFileOnceAndWhole) {
  constexpr int kEach = 2000;
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.path()));
  const HomeLock lock = must(HomeLock::take(home));
  std::atomic<int> refused{0};
  {
    const auto sink = must(JsonlEventSink::open(home, lock));
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string id = std::to_string(t) + "-" + std::to_string(i);
          Event event(Sourcetype::model_api_logs, WallTime());
          event.set(Field::request_id, id);
          if (i % 500 == 0 && !sink->begin(event).ok()) ++refused;
          if (!sink->append(std::move(event)).ok()) ++refused;
          if (i % 300 == 0 && !sink->flush().ok()) ++refused;
          (void)sink->stats();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_TRUE(sink->flush().ok());
    EXPECT_EQ(sink->stats().appended, kThreads * (kEach + kEach / 500u));
    EXPECT_EQ(sink->stats().lost, 0u);
  }
  EXPECT_EQ(refused, 0);
  const std::string content = must(home.folder().read(kEventsFile, 1 << 26));
  std::set<std::string> ends;
  std::size_t begins = 0;
  for (const std::string_view line : split(content, '\n')) {
    if (line.empty()) continue;
    const Event event = must(event_from_json(line));
    if (event.text(Field::action) == "begin") {
      ++begins;
    } else {
      ends.emplace(event.text(Field::request_id));
    }
  }
  EXPECT_EQ(ends.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(begins, static_cast<std::size_t>(kThreads * kEach / 500));
}

TEST(ConcurrentStore, OrdersOfManyThreadsGetEachNumberOnce) {
  constexpr int kEach = 20;
  TestHome t;
  std::vector<std::thread> threads;
  std::array<std::vector<std::uint64_t>, kThreads> numbers;
  for (std::size_t n = 0; n < kThreads; ++n) {
    threads.emplace_back([&, n] {
      for (int i = 0; i < kEach; ++i) {
        const std::vector<Change> changes = {{"a", std::to_string(n), std::to_string(i)}};
        numbers[n].push_back(must(t.store->apply({0, WallTime(), "x", "v", "s"}, changes)));
        (void)must(t.store->get("a", "0"));
        (void)must(t.store->orders_after(0, 10));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& each : numbers) all.insert(each.begin(), each.end());
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(*all.begin(), 1u);
  EXPECT_EQ(*all.rbegin(), static_cast<std::uint64_t>(kThreads * kEach));
}

}  // namespace
}  // namespace davy::store
