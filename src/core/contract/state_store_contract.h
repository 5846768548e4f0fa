// What every StateStore must do (core/state_store.h).
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <set>

#include "core/contract/violations.h"
#include "core/state_store.h"

namespace davy {

// Makes an empty one. What it lives in (a folder, a lock) belongs to the object.
using StateStoreFactory = std::function<std::unique_ptr<StateStore>()>;

namespace contract {

inline Order an_order(std::string verb = "test.set") {
  return {0, WallTime(std::chrono::milliseconds(1'700'000'000'042)), "cli uid 7", std::move(verb),
          "subject"};
}

inline std::vector<std::pair<std::string, std::string>> rows(const StateStore& store,
                                                             std::string_view table) {
  std::vector<std::pair<std::string, std::string>> all;
  const auto done = store.scan(
      table, [&](std::string_view key, std::string_view value) { all.emplace_back(key, value); });
  if (!done.ok()) all.emplace_back("scan failed", done.error().text());
  return all;
}

inline bool holds(const StateStore& store, std::string_view table, std::string_view key,
                  std::optional<std::string> wanted) {
  const auto value = store.get(table, key);
  return value.ok() && value.value() == wanted;
}

inline Violations an_empty_store_has_nothing(const StateStoreFactory& make) {
  Check check;
  const auto store = make();
  check.that(holds(*store, "keys", "a", std::nullopt), "a key that nobody set has a value");
  check.that(rows(*store, "keys").empty(), "a table that nobody wrote has rows");
  const auto last = store->last_order();
  check.that(last.ok() && *last == 0, "the last order of an empty store is not 0");
  const auto orders = store->orders_after(0, 10);
  check.that(orders.ok() && orders->empty(), "an empty store has orders");
  return check.take();
}

inline Violations changes_are_read_back(const StateStoreFactory& make) {
  Check check;
  const auto store = make();
  const std::string bytes("\0\xff\n'\"%_", 7);
  const std::vector<Change> first{{"keys", "a", "1"}, {"keys", bytes, bytes}, {"other", "a", ""}};
  check.that(store->apply(an_order(), first).ok(), "a change was refused");
  check.that(holds(*store, "keys", "a", "1"), "a value is not what was set");
  check.that(holds(*store, "keys", bytes, bytes), "a key or a value of any bytes is not kept");
  check.that(holds(*store, "other", "a", ""), "an empty value is not kept");
  check.that(holds(*store, "keys", "A", std::nullopt), "keys ignore case");
  const std::vector<Change> second{{"keys", "a", "2"}, {"other", "a", std::nullopt}};
  check.that(store->apply(an_order(), second).ok(), "a second change was refused");
  check.that(holds(*store, "keys", "a", "2"), "a value is not replaced");
  check.that(holds(*store, "other", "a", std::nullopt), "an erased key has a value");
  const std::vector<Change> absent{{"other", "never", std::nullopt}};
  check.that(store->apply(an_order(), absent).ok(), "erasing what is not there was refused");
  return check.take();
}

inline Violations a_scan_is_in_the_order_of_bytes(const StateStoreFactory& make) {
  Check check;
  const auto store = make();
  const std::vector<Change> changes{{"t", "b", "2"},  {"t", "\xc3\xa9", "5"}, {"t", "B", "1"},
                                    {"t", "ba", "3"}, {"t", "z", "4"},        {"u", "a", "0"}};
  check.that(store->apply(an_order(), changes).ok(), "a change was refused");
  std::string values;
  for (const auto& [key, value] : rows(*store, "t")) values += value;
  check.that(values == "12345", "a scan gives rows " + values + ", wanted 12345");
  return check.take();
}

inline Violations orders_are_numbered_and_kept(const StateStoreFactory& make) {
  Check check;
  const auto store = make();
  for (std::uint64_t i = 1; i <= 5; ++i) {
    const auto sequence = store->apply(an_order("test.v" + std::to_string(i)), {});
    check.that(sequence.ok() && *sequence == i,
               "order " + std::to_string(i) + " has no such number");
  }
  const auto last = store->last_order();
  check.that(last.ok() && *last == 5, "the last order is not the last");
  const auto orders = store->orders_after(2, 2);
  check.that(orders.ok() && orders->size() == 2, "orders_after ignores its limit or its start");
  if (orders.ok() && orders->size() == 2) {
    const Order& order = orders->front();
    check.that(order.sequence == 3 && orders->back().sequence == 4, "orders are not oldest first");
    check.that(order.verb == "test.v3" && order.actor == "cli uid 7" && order.subject == "subject",
               "an order is not kept as it was given");
    check.that(order.time == an_order().time, "an order's time is not kept to the millisecond");
  }
  const auto none = store->orders_after(5, 10);
  check.that(none.ok() && none->empty(), "there are orders after the last");
  return check.take();
}

inline Violations an_order_is_done_whole_or_not_at_all(const StateStoreFactory& make) {
  Check check;
  const auto store = make();
  const Change bad_ones[] = {{"Keys", "a", "1"},
                             {"", "a", "1"},
                             {"keys;", "a", "1"},
                             {std::string(65, 'k'), "a", "1"},
                             {"keys", "", "1"},
                             {"keys", std::string(513, 'k'), "1"},
                             {"keys", "a", std::string((1U << 20) + 1, 'v')}};
  for (const Change& bad : bad_ones) {
    const std::vector<Change> changes{{"keys", "good", "1"}, bad, {"keys", "after", "1"}};
    check.that(!store->apply(an_order(), changes).ok(), "a change out of bounds was taken");
    check.that(rows(*store, "keys").empty(), "a refused order left a change behind");
    const auto last = store->last_order();
    check.that(last.ok() && *last == 0, "a refused order was recorded");
  }
  const std::vector<Change> at_bounds{
      {std::string(64, 'k'), std::string(512, 'k'), std::string(1U << 20, 'v')}};
  check.that(store->apply(an_order(), at_bounds).ok(), "a change at the bounds was refused");
  return check.take();
}

inline Violations orders_at_once_get_each_number_once(const StateStoreFactory& make) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 10;
  const auto store = make();
  std::vector<std::vector<std::uint64_t>> numbers(kThreads);
  std::atomic<int> unread{0};
  on_threads(kThreads, [&](std::size_t thread) {
    for (std::size_t i = 0; i < kEach; ++i) {
      const std::string key = std::to_string(thread);
      const std::vector<Change> changes{{"t", key, std::to_string(i)}};
      const auto sequence = store->apply(an_order(), changes);
      if (sequence.ok()) numbers[thread].push_back(*sequence);
      if (!holds(*store, "t", key, std::to_string(i))) ++unread;
    }
  });
  Check check;
  std::set<std::uint64_t> all;
  for (const auto& of_one : numbers) all.insert(of_one.begin(), of_one.end());
  check.that(all.size() == kThreads * kEach && *all.begin() == 1 && *all.rbegin() == all.size(),
             "orders of several threads have gaps or share a number");
  check.that(unread == 0, "a change was not there when apply returned");
  return check.take();
}

}  // namespace contract

class StateStoreContract : public ::testing::TestWithParam<StateStoreFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StateStoreContract);

TEST_P(StateStoreContract, AnEmptyStoreHasNothing) {
  EXPECT_EQ(contract::lines(contract::an_empty_store_has_nothing(GetParam())), "");
}
TEST_P(StateStoreContract, ChangesAreReadBack) {
  EXPECT_EQ(contract::lines(contract::changes_are_read_back(GetParam())), "");
}
TEST_P(StateStoreContract, AScanIsInTheOrderOfBytes) {
  EXPECT_EQ(contract::lines(contract::a_scan_is_in_the_order_of_bytes(GetParam())), "");
}
TEST_P(StateStoreContract, OrdersAreNumberedAndKept) {
  EXPECT_EQ(contract::lines(contract::orders_are_numbered_and_kept(GetParam())), "");
}
TEST_P(StateStoreContract, AnOrderIsDoneWholeOrNotAtAll) {
  EXPECT_EQ(contract::lines(contract::an_order_is_done_whole_or_not_at_all(GetParam())), "");
}
TEST_P(StateStoreContract, OrdersAtOnceGetEachNumberOnce) {
  EXPECT_EQ(contract::lines(contract::orders_at_once_get_each_number_once(GetParam())), "");
}

}  // namespace davy
