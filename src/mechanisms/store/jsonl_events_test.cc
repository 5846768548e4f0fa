#include "mechanisms/store/jsonl_events.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "base/ids.h"
#include "base/log.h"
#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TemporaryFolder;

constexpr WallTime kNoon{std::chrono::seconds(1'800'000'000)};

struct EventHome {
  TemporaryFolder folder;
  Home home = must(Home::open_or_create(folder.path()));
  HomeLock lock = must(HomeLock::take(home));
  std::string file = folder.file(kEventsFile);

  EventHome() {
    log::set_output([](std::string_view) {});
  }
  ~EventHome() { log::set_output({}); }
  std::unique_ptr<JsonlEventSink> sink(JsonlLimits limits = {}) {
    return must(JsonlEventSink::open(home, lock, limits));
  }
  std::vector<Event> find(std::string_view id) {
    return must(must(JsonlEventReader::open(home))->find(id));
  }
  std::string content() { return must(home.folder().read(kEventsFile, 1 << 26)); }
};

Event row(std::string_view id, std::int64_t status, WallTime time = kNoon,
          Sourcetype type = Sourcetype::model_api_logs) {
  Event event(type, time);
  event.set(Field::request_id, id).set(Field::status, status);
  return event;
}

std::int64_t status_of(const Event& event) {
  return std::get<std::int64_t>(*event.find(Field::status));
}

TEST(JsonlEvents, WhatWasFlushedIsFoundOldestFirst) {
  EventHome t;
  const auto sink = t.sink();
  const std::string id = new_request_id(kNoon);
  ASSERT_TRUE(sink->append(row(id, 1)).ok());
  ASSERT_TRUE(sink->append(row("req_another", 2)).ok());
  ASSERT_TRUE(sink->append(row(id, 3, kNoon, Sourcetype::findings)).ok());
  ASSERT_TRUE(sink->flush().ok());
  const auto found = t.find(id);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(status_of(found[0]), 1);
  EXPECT_EQ(status_of(found[1]), 3);
  EXPECT_EQ(found[1].sourcetype(), Sourcetype::findings);
  EXPECT_TRUE(t.find("req_unknown").empty());
  EXPECT_TRUE(t.find("").empty());
  EXPECT_EQ(sink->stats().appended, 3u);
  struct stat status {};
  ASSERT_EQ(stat(t.file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & ALLPERMS, 0600u);
}

TEST(JsonlEvents, HomeWithoutEventsHasNone) {
  EventHome t;
  EXPECT_TRUE(t.find("req_any").empty());
}

TEST(JsonlEvents, IdInOtherTextIsNotTheRequest) {
  EventHome t;
  const auto sink = t.sink();
  Event other = row("req_other", 1);
  other.set(Field::detail, "mentions req_wanted here");
  ASSERT_TRUE(sink->append(std::move(other)).ok());
  ASSERT_TRUE(sink->flush().ok());
  EXPECT_TRUE(t.find("req_wanted").empty());
}

TEST(JsonlEvents, EndingTheSinkWritesWhatIsQueued) {
  EventHome t;
  for (int i = 0; i < 3; ++i) {
    const auto sink = t.sink();
    ASSERT_TRUE(sink->append(row("req_x", i)).ok());
  }
  EXPECT_EQ(t.find("req_x").size(), 3u);
}

TEST(JsonlEvents, FindsRowsAnywhereInAFileOfManyBlocks) {
  EventHome t;
  const auto sink = t.sink();
  const std::string filler(700, 'f');
  for (int i = 0; i < 6000; ++i) {
    Event event = row("req_" + std::to_string(i), i);
    event.set(Field::detail, filler);
    ASSERT_TRUE(sink->append(std::move(event)).ok());
  }
  ASSERT_TRUE(sink->flush().ok());
  ASSERT_GT(t.content().size(), std::size_t{4} << 20);
  const auto reader = must(JsonlEventReader::open(t.home));
  for (int i = 0; i < 6000; i += 271) {
    const auto found = must(reader->find("req_" + std::to_string(i) + "\""));
    EXPECT_TRUE(found.empty()) << "the id is compared whole";
    const auto whole = must(reader->find("req_" + std::to_string(i)));
    ASSERT_EQ(whole.size(), 1u) << i;
    EXPECT_EQ(status_of(whole[0]), i);
  }
}

TEST(JsonlEvents, RowsOfOneRequestAreFoundAcrossBlocks) {
  EventHome t;
  const auto sink = t.sink();
  for (int i = 0; i < 4000; ++i) {
    Event event = row(i % 1000 == 0 ? "req_wanted" : "req_other", i);
    event.set(Field::detail, std::string(900, 'f'));
    ASSERT_TRUE(sink->append(std::move(event)).ok());
  }
  ASSERT_TRUE(sink->flush().ok());
  const auto found = t.find("req_wanted");
  ASSERT_EQ(found.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(status_of(found[i]), 1000 * static_cast<int>(i));
}

TEST(JsonlEvents, TornLastLineIsEndedAndSkippedAndTold) {
  EventHome t;
  {
    const auto sink = t.sink();
    ASSERT_TRUE(sink->append(row("req_a", 1)).ok());
  }
  std::string line;
  append_json(line, row("req_torn", 2));
  std::ofstream(t.file, std::ios::app) << line.substr(0, line.size() - 5);
  std::string logged;
  log::set_output([&](std::string_view text) { logged += text; });
  const auto sink = t.sink();
  EXPECT_NE(logged.find("torn_lines=1"), std::string::npos) << logged;
  ASSERT_TRUE(sink->append(row("req_b", 3)).ok());
  ASSERT_TRUE(sink->flush().ok());
  EXPECT_EQ(t.find("req_a").size(), 1u);
  EXPECT_EQ(t.find("req_b").size(), 1u);
  logged.clear();
  EXPECT_TRUE(t.find("req_torn").empty());
  EXPECT_NE(logged.find("unreadable=1"), std::string::npos) << logged;
}

// As one process leaves it that is killed while another appends to the same file.
TEST(JsonlEvents, LineThatAnotherTearsTakesNoneOfOursWithIt) {
  EventHome t;
  const auto ours = t.sink();
  const auto theirs = t.sink();
  ASSERT_TRUE(ours->append(row("req_a", 1)).ok());
  ASSERT_TRUE(ours->flush().ok());
  std::string line;
  append_json(line, row("req_torn", 2));
  std::ofstream(t.file, std::ios::app) << line.substr(0, line.size() - 5);
  ASSERT_TRUE(ours->append(row("req_b", 3)).ok());
  ASSERT_TRUE(ours->flush().ok());
  std::ofstream(t.file, std::ios::app) << line.substr(0, line.size() - 5);
  ASSERT_TRUE(theirs->append(row("req_c", 4)).ok());
  ASSERT_TRUE(theirs->flush().ok());
  for (const char* const id : {"req_a", "req_b", "req_c"}) EXPECT_EQ(t.find(id).size(), 1u) << id;
  EXPECT_TRUE(t.find("req_torn").empty());
}

TEST(JsonlEvents, LineThatIsTooLongIsSkippedWithoutHidingOthers) {
  EventHome t;
  t.sink();
  std::string before;
  append_json(before, row("req_a", 1));
  std::string after;
  append_json(after, row("req_b", 2));
  std::ofstream(t.file, std::ios::app) << before << '\n'
                                       << std::string(5 * kMaxEventLine, 'x') << '\n'
                                       << after << '\n';
  EXPECT_EQ(t.find("req_a").size(), 1u);
  EXPECT_EQ(t.find("req_b").size(), 1u);
}

TEST(JsonlEvents, FullQueueIsAnErrorAndCounted) {
  EventHome t;
  const auto none = t.sink({0, 1 << 20});
  const auto refused = none->append(row("req_a", 1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
  EXPECT_EQ(none->stats().lost, 1u);
  const auto small = t.sink({100, 200});
  Event event = row("req_a", 1);
  event.set(Field::detail, std::string(200, 'x'));
  EXPECT_FALSE(small->append(event).ok());
  EXPECT_EQ(small->stats().lost, 1u);
  EXPECT_TRUE(small->append(row("req_a", 1)).ok());
}

TEST(JsonlEvents, EventThatIsTooLargeIsRefusedAndAnyThatIsTakenCanBeRead) {
  EventHome t;
  const auto sink = t.sink();
  Event event = row("req_a", 1);
  event.set(Field::detail, std::string(kMaxEventText + 1, 'x'));
  EXPECT_FALSE(sink->append(event).ok());
  EXPECT_FALSE(sink->begin(event).ok());
  // Control characters take six bytes each.
  event.set(Field::detail, std::string(kMaxEventText - 100, '\x01'));
  ASSERT_TRUE(sink->append(event).ok());
  ASSERT_TRUE(sink->flush().ok());
  EXPECT_EQ(t.find("req_a").size(), 1u);
}

TEST(JsonlEvents, BeginIsInTheFileWhenItReturnsAndItsEndHasAPlace) {
  EventHome t;
  const auto sink = t.sink({2, 1 << 20});
  ASSERT_TRUE(sink->begin(row("req_a", 0)).ok());
  const auto found = t.find("req_a");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text(Field::action), "begin");
  EXPECT_FALSE(sink->begin(row("req_a", 0)).ok()) << "it has begun already";
  EXPECT_EQ(sink->begin(row("req_b", 0)).error().kind, ErrorKind::limit)
      << "half of the queue is the most that can be reserved";
  // One place is left besides the reserved one; whoever comes too late is refused.
  std::uint64_t refused = 0;
  for (int i = 0; i < 50; ++i) refused += sink->append(row("req_other", i)).ok() ? 0 : 1;
  EXPECT_TRUE(sink->append(row("req_a", 200)).ok());
  ASSERT_TRUE(sink->flush().ok());
  EXPECT_EQ(t.find("req_a").size(), 2u);
  EXPECT_EQ(sink->stats().lost, refused);
  EXPECT_EQ(sink->stats().appended, 52 - refused);
  EXPECT_TRUE(sink->begin(row("req_b", 0)).ok()) << "the place is free again";
}

TEST(JsonlEvents, BeginWithoutRequestIdIsRefused) {
  EventHome t;
  EXPECT_FALSE(t.sink()->begin(Event(Sourcetype::model_api_logs, kNoon)).ok());
}

// In a child, since the limit on file sizes is the process's.
TEST(JsonlEvents, WriteThatFailsIsCountedAndLaterEventsAreWhole) {
  EventHome t;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    log::set_output([](std::string_view) {});
    signal(SIGXFSZ, SIG_IGN);
    bool good = true;
    {
      const auto sink = t.sink();
      rlimit limit{5000, RLIM_INFINITY};
      setrlimit(RLIMIT_FSIZE, &limit);
      for (int i = 0; i < 100; ++i) good = sink->append(row("req_a", i)).ok() && good;
      good = !sink->flush().ok() && good;
      good = !sink->flush().ok() && good;  // nothing new: still not written
      good = !sink->begin(row("req_b", 0)).ok() && good;
      limit.rlim_cur = RLIM_INFINITY;
      setrlimit(RLIMIT_FSIZE, &limit);
      good = sink->begin(row("req_b", 1)).ok() && good;
      const EventSinkStats stats = sink->stats();
      good = stats.appended > 1 && stats.lost > 1 && stats.appended + stats.lost == 102 && good;
      good = t.find("req_a").size() == stats.appended - 1 && good;
      good = t.find("req_b").size() == 1 && good;
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(JsonlEvents, LinkInThePlaceOfTheFileIsNotFollowed) {
  EventHome t;
  std::ofstream(t.folder.file("victim")) << "keep";
  ASSERT_EQ(symlink("victim", t.file.c_str()), 0);
  EXPECT_FALSE(JsonlEventSink::open(t.home, t.lock).ok());
  EXPECT_FALSE(JsonlEventReader::open(t.home).ok());
}

}  // namespace
}  // namespace davy::store
