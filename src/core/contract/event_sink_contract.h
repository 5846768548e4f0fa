// What every EventSink with its EventReader must do (core/event_sink.h).
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>

#include "core/contract/violations.h"
#include "core/event_sink.h"

namespace davy {

// A sink, what reads it, and what both live in.
class EventStore {
 public:
  virtual ~EventStore() = default;
  [[nodiscard]] virtual EventSink& sink() = 0;
  [[nodiscard]] virtual const EventReader& reader() = 0;
};

// Makes one without events.
using EventStoreFactory = std::function<std::unique_ptr<EventStore>()>;

namespace contract {

inline Event an_event(std::string_view id, std::int64_t millisecond = 0) {
  Event event(Sourcetype::model_api_logs,
              WallTime(std::chrono::milliseconds(1'700'000'000'000 + millisecond)));
  event.set(Field::request_id, id);
  return event;
}

// With a field of every type and class, and text that a line format could trip over.
inline Event a_full_event(std::string_view id) {
  Event event = an_event(id, 7);
  event.set(Field::client_ip, "192.0.2.7")
      .set(Field::status, std::int64_t{403})
      .set(Field::cost_usd, 0.1)
      .set(Field::stream, true)
      .set(Field::evidence, std::string_view("line\nend\r \"\\ \0 \U0001F600", 19))
      .set(Field::topic, "");
  return event;
}

inline Violations what_was_flushed_is_found_as_it_was(const EventStoreFactory& make) {
  Check check;
  const auto store = make();
  const Event event = a_full_event("req_a");
  check.that(store->sink().append(event).ok(), "an event was refused");
  check.that(store->sink().append(an_event("req_b")).ok(), "a second event was refused");
  check.that(store->sink().flush().ok(), "flush failed");
  const auto found = store->reader().find("req_a");
  check.that(found.ok(), "find failed");
  if (!found.ok()) return check.take();
  check.that(found->size() == 1, "found " + std::to_string(found->size()) + " events, wanted 1");
  if (found->size() != 1) return check.take();
  check.that(found->front().sourcetype() == event.sourcetype(), "the source type changed");
  check.that(found->front().time() == event.time(), "the time changed");
  for (const auto& [field, value] : event.fields()) {
    const auto kept = found->front().find(field);
    check.that(kept == value, "changed: " + std::string(info(field).name));
  }
  check.that(found->front().fields().size() == event.fields().size(), "a field was added");
  return check.take();
}

inline Violations rows_of_one_request_come_oldest_first(const EventStoreFactory& make) {
  Check check;
  const auto store = make();
  for (std::int64_t i = 0; i < 5; ++i) {
    check.that(store->sink().append(an_event("req_a", i)).ok(), "an event was refused");
    check.that(store->sink().append(an_event("req_ab", i)).ok(), "an event was refused");
  }
  check.that(store->sink().flush().ok(), "flush failed");
  const auto found = store->reader().find("req_a");
  check.that(found.ok() && found->size() == 5, "not every event of a request is found");
  const auto other = store->reader().find("req_ab");
  check.that(other.ok() && other->size() == 5, "not every event of another request is found");
  if (!found.ok()) return check.take();
  for (std::size_t i = 1; i < found->size(); ++i) {
    check.that((*found)[i - 1].time() < (*found)[i].time(), "events are not oldest first");
  }
  for (const Event& event : *found) {
    check.that(event.text(Field::request_id) == "req_a", "an event of another request");
  }
  return check.take();
}

inline Violations nothing_found_is_no_error(const EventStoreFactory& make) {
  Check check;
  const auto store = make();
  for (int i = 0; i < 2; ++i) {
    const auto none = store->reader().find("req_none");
    check.that(none.ok() && none->empty(), "an unknown request is an error or has events");
    const auto empty = store->reader().find("");
    check.that(empty.ok() && empty->empty(), "the empty request id has events");
    check.that(store->sink().append(an_event("req_a")).ok(), "an event was refused");
    check.that(store->sink().flush().ok(), "flush failed");
  }
  return check.take();
}

inline Violations a_begin_is_readable_before_the_end_comes(const EventStoreFactory& make) {
  Check check;
  const auto store = make();
  check.that(store->sink().begin(an_event("req_a", 1)).ok(), "a begin was refused");
  const auto begun = store->reader().find("req_a");
  check.that(begun.ok() && begun->size() == 1, "a begin record is not there when begin returns");
  Event end = an_event("req_a", 2);
  end.set(Field::status, std::int64_t{200});
  check.that(store->sink().append(std::move(end)).ok(), "the end of a begun exchange was refused");
  check.that(store->sink().flush().ok(), "flush failed");
  const auto found = store->reader().find("req_a");
  check.that(found.ok() && !found->empty() && found->back().find(Field::status).has_value(),
             "the end of a begun exchange is not found");
  return check.take();
}

inline Violations events_of_many_threads_are_all_kept_and_counted(const EventStoreFactory& make) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 200;
  const auto store = make();
  std::atomic<int> refused{0};
  on_threads(kThreads, [&](std::size_t thread) {
    const std::string id = "req_" + std::to_string(thread);
    for (std::size_t i = 0; i < kEach; ++i) {
      if (!store->sink().append(an_event(id, static_cast<std::int64_t>(i))).ok()) ++refused;
    }
    if (!store->sink().flush().ok()) ++refused;
  });
  Check check;
  check.that(refused == 0, "an event was refused, though few were waiting");
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    const auto found = store->reader().find("req_" + std::to_string(thread));
    check.that(found.ok() && found->size() == kEach, "events of a thread are missing or doubled");
  }
  const EventSinkStats stats = store->sink().stats();
  check.that(stats.appended == kThreads * kEach, "appended events are not counted right");
  check.that(stats.lost == 0, "events are counted as lost that are there");
  return check.take();
}

}  // namespace contract

class EventSinkContract : public ::testing::TestWithParam<EventStoreFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EventSinkContract);

TEST_P(EventSinkContract, WhatWasFlushedIsFoundAsItWas) {
  EXPECT_EQ(contract::lines(contract::what_was_flushed_is_found_as_it_was(GetParam())), "");
}
TEST_P(EventSinkContract, RowsOfOneRequestComeOldestFirst) {
  EXPECT_EQ(contract::lines(contract::rows_of_one_request_come_oldest_first(GetParam())), "");
}
TEST_P(EventSinkContract, NothingFoundIsNoError) {
  EXPECT_EQ(contract::lines(contract::nothing_found_is_no_error(GetParam())), "");
}
TEST_P(EventSinkContract, ABeginIsReadableBeforeTheEndComes) {
  EXPECT_EQ(contract::lines(contract::a_begin_is_readable_before_the_end_comes(GetParam())), "");
}
TEST_P(EventSinkContract, EventsOfManyThreadsAreAllKeptAndCounted) {
  EXPECT_EQ(contract::lines(contract::events_of_many_threads_are_all_kept_and_counted(GetParam())),
            "");
}

}  // namespace davy
