// Events as JSON Lines in home/events.jsonl: append only, mode 0600, one event a line.
//
// Appending queues; a thread of the sink writes what has come every kLinger, or at
// once for begin() and flush(). So kill -9 loses at most that much of best-effort
// events and none whose begin() returned. A line that a crash tore is ended with a line
// feed before the next one is written; it stays as it is, and readers skip it.
//
// Two processes append while a server drains that has handed its home over (hand_over.h).
// Each batch is one write() to a file that is only appended to, under an flock of the file,
// after a look at how the file ends: lines of two never mix, and a line that one of them
// tears takes none of the other's with it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/event_sink.h"
#include "mechanisms/store/home.h"

namespace davy::store {

// How long an event may wait for others to share its write. At 30,000 events a second
// this is 600 events a write, and 50 wake-ups a second instead of 30,000.
inline constexpr std::chrono::milliseconds kLinger{20};
// Text of one event; larger ones are refused (limit). JSON escapes make it at most six
// times longer, so a line stays below kMaxEventLine.
inline constexpr std::size_t kMaxEventText = 128 * 1024;
inline constexpr std::size_t kMaxEventLine = 1 << 20;

struct JsonlLimits {
  std::size_t events = 65'536;           // waiting in the queue
  std::size_t bytes = 64 * 1024 * 1024;  // of lines waiting in the queue
};

class JsonlEventSink final : public EventSink {
 public:
  // The lock is asked for to be sure that the caller may write.
  [[nodiscard]] static Result<std::unique_ptr<JsonlEventSink>> open(const Home& home,
                                                                    const HomeLock& lock,
                                                                    JsonlLimits limits = {});
  // Writes what is queued, syncs and ends the thread.
  ~JsonlEventSink() override;

  // Blocks until the record is on disk (group commit: one fsync for all that wait), so
  // call it from a worker, not from a loop. Sets `action` to "begin" where it is absent.
  // The end event of that request_id (model_api_logs without `action`) has a place in
  // the queue reserved and is synced too. At most half of the queue can be reserved.
  [[nodiscard]] Result<void> begin(const Event& begin) override;
  // A full queue is an error of kind limit, and counts as lost.
  [[nodiscard]] Result<void> append(const Event& event) override;
  // An error if the last events could not be written.
  [[nodiscard]] Result<void> flush() override;
  [[nodiscard]] EventSinkStats stats() const noexcept override;

 private:
  struct Waiter;
  // Lines that wait for one write. They are written out by whoever appends, so that an
  // event's many strings are freed by the thread that made them.
  struct Batch {
    std::string lines;
    std::vector<std::size_t> ends;  // of each line
    bool sync = false;
    [[nodiscard]] std::size_t events() const noexcept { return ends.size(); }
    void clear() noexcept;
  };
  JsonlEventSink(Fd file, Fd look, std::string path, JsonlLimits limits);
  void run();
  [[nodiscard]] int write_batch(const Batch& batch, std::size_t& kept);
  [[nodiscard]] Result<void> wait(std::unique_lock<std::mutex>& lock, Waiter& waiter);

  const Fd file_;
  const Fd look_;  // the same file, to see how it ends
  const std::string path_;
  const JsonlLimits limits_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // All below are guarded by mutex_.
  Batch queue_;
  std::unordered_set<std::string> begun_;  // request ids with a begin and no end
  std::vector<Waiter*> waiters_;
  bool urgent_ = false;
  bool stopping_ = false;
  int last_error_ = 0;  // of the last batch that had events, as errno; 0 = it was written
  EventSinkStats stats_;

  // The writer thread's own.
  Batch batch_;

  std::thread thread_;
};

// Searches from the end backwards, so a recent request is found at once. Thread-safe.
// Needs no lock; sees what the sink has written.
class JsonlEventReader final : public EventReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<JsonlEventReader>> open(const Home& home);
  // Reads back to where events are kSlack older than the first row that it found; if
  // none is found, the whole file.
  [[nodiscard]] Result<std::vector<Event>> find(std::string_view request_id) const override;

  // Streams last minutes; clocks step a little.
  static constexpr std::chrono::minutes kSlack{60};

 private:
  explicit JsonlEventReader(Fd file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Fd file_;  // invalid: no event was ever written
  std::string path_;
};

}  // namespace davy::store
