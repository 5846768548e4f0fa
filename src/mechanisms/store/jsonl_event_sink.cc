#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "base/log.h"
#include "mechanisms/store/jsonl_events.h"

namespace davy::store {
namespace {

// Full enough to be written without waiting for more.
constexpr std::size_t kHurryEvents = 4096;
// Memory that a batch may keep for the next one.
constexpr std::size_t kKeptBytes = std::size_t{4} << 20;

// The event's line, in memory of the calling thread that the next call uses again.
const std::string& line_of(const Event& event) {
  thread_local std::string line;
  line.clear();
  append_json(line, event);
  line += '\n';
  return line;
}

Error disk_error(const std::string& path, int number) {
  return unavailable(fmt::format("cannot write events: {}", strerrordesc_np(number)), {path},
                     number == ENOSPC ? "make room on the disk" : "");
}

// As much of `data` as the file takes; `number` is the error that stopped it, or 0.
std::size_t write_some(int fd, std::string_view data, int& number) {
  std::size_t done = 0;
  number = 0;
  while (done < data.size()) {
    const ssize_t wrote = ::write(fd, data.data() + done, data.size() - done);
    if (wrote < 0) {
      if (errno == EINTR) continue;
      number = errno;
      break;
    }
    done += static_cast<std::size_t>(wrote);
  }
  return done;
}

int sync_file(int fd) {
  while (::fdatasync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// The right to append, while it stands. Another davy may append too, for as long as it
// drains after a hand-over, so each looks at how the file ends before it writes. Where the
// file system knows no locks both write all the same: only a line that a crash tears in that
// moment could take one more with it.
class Turn {
 public:
  explicit Turn(int fd) noexcept : fd_(fd) {
    while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { (void)::flock(fd_, LOCK_UN); }

 private:
  int fd_;
};

// Whether the file ends inside a line; `number` is the error that hid it, or 0.
bool ends_torn(int fd, int& number) noexcept {
  struct stat status {};
  char last = '\n';
  number = 0;
  if (fstat(fd, &status) != 0 ||
      (status.st_size > 0 && ::pread(fd, &last, 1, status.st_size - 1) < 0)) {
    number = errno;
  }
  return last != '\n';
}

}  // namespace

// Stands on the stack of a thread that waits; guarded by the sink's mutex.
struct JsonlEventSink::Waiter {
  std::condition_variable done;
  bool finished = false;
  std::optional<Error> error;
};

Result<std::unique_ptr<JsonlEventSink>> JsonlEventSink::open(const Home& home, const HomeLock&,
                                                             JsonlLimits limits) {
  DAVY_ASSIGN(Fd file, home.folder().open_append(kEventsFile, 0600));
  // It may be slow, but must never fail because it would block.
  const int flags = fcntl(file.get(), F_GETFL);
  if (flags < 0 || fcntl(file.get(), F_SETFL, flags & ~O_NONBLOCK) < 0) {
    return disk_error(home.file(kEventsFile), errno);
  }
  Fd look(openat(home.folder().fd(), kEventsFile, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!look.valid()) return disk_error(home.file(kEventsFile), errno);
  {
    const Turn turn(file.get());
    int error = 0;
    if (ends_torn(look.get(), error)) {
      log::warning("the last event was torn by a crash; its line was ended and will be skipped",
                   {{"file", home.file(kEventsFile)}, {"torn_lines", 1}});
      DAVY_TRY(write_all(file.get(), "\n"));
    }
    if (error != 0) return disk_error(home.file(kEventsFile), error);
  }
  return std::unique_ptr<JsonlEventSink>(
      new JsonlEventSink(std::move(file), std::move(look), home.file(kEventsFile), limits));
}

JsonlEventSink::JsonlEventSink(Fd file, Fd look, std::string path, JsonlLimits limits)
    : file_(std::move(file)), look_(std::move(look)), path_(std::move(path)), limits_(limits) {
  thread_ = std::thread([this] { run(); });
}

JsonlEventSink::~JsonlEventSink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
  (void)sync_file(file_.get());
}

Result<void> JsonlEventSink::begin(const Event& begin) {
  Event event = begin;
  if (!event.find(Field::action)) event.set(Field::action, "begin");
  if (event.text_size() > kMaxEventText) {
    return limit_reached("the event is too large to be kept");
  }
  const std::string id(event.text(Field::request_id));
  if (id.empty()) return invalid_input("a begin record needs a request_id");
  const std::string& line = line_of(event);
  std::unique_lock lock(mutex_);
  if (begun_.size() >= limits_.events / 2 || queue_.events() + begun_.size() >= limits_.events ||
      queue_.lines.size() + line.size() > limits_.bytes) {
    return limit_reached("the queue of events is full");
  }
  if (!begun_.insert(id).second) return invalid_input("this request_id has begun already");
  queue_.lines += line;
  queue_.ends.push_back(queue_.lines.size());
  queue_.sync = true;
  Waiter waiter;
  auto written = wait(lock, waiter);
  if (!written) begun_.erase(id);
  return written;
}

Result<void> JsonlEventSink::append(const Event& event) {
  const bool large = event.text_size() > kMaxEventText;
  static const std::string kNothing;
  const std::string& line = large ? kNothing : line_of(event);
  const std::lock_guard lock(mutex_);
  bool ends = false;
  if (!begun_.empty() && event.sourcetype() == Sourcetype::model_api_logs &&
      !event.find(Field::action)) {
    ends = begun_.erase(std::string(event.text(Field::request_id))) != 0;
  }
  if (large) {
    ++stats_.lost;
    return limit_reached("the event is too large to be kept");
  }
  // The end of what was begun has its place.
  if (!ends && (queue_.events() + begun_.size() >= limits_.events ||
                queue_.lines.size() + line.size() > limits_.bytes)) {
    ++stats_.lost;
    return limit_reached("the queue of events is full");
  }
  queue_.lines += line;
  queue_.ends.push_back(queue_.lines.size());
  queue_.sync |= ends;
  if (queue_.events() == 1 || queue_.events() == kHurryEvents) wake_.notify_one();
  return {};
}

Result<void> JsonlEventSink::flush() {
  std::unique_lock lock(mutex_);
  Waiter waiter;
  return wait(lock, waiter);
}

EventSinkStats JsonlEventSink::stats() const noexcept {
  const std::lock_guard lock(mutex_);
  return stats_;
}

// Until the batch that takes this waiter is written.
Result<void> JsonlEventSink::wait(std::unique_lock<std::mutex>& lock, Waiter& waiter) {
  waiters_.push_back(&waiter);
  urgent_ = true;
  wake_.notify_one();
  waiter.done.wait(lock, [&] { return waiter.finished; });
  if (waiter.error) return *waiter.error;
  return {};
}

void JsonlEventSink::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || urgent_ || queue_.events() != 0; });
    if (!urgent_ && !stopping_) {
      wake_.wait_for(lock, kLinger,
                     [&] { return stopping_ || urgent_ || queue_.events() >= kHurryEvents; });
    }
    if (queue_.events() == 0 && waiters_.empty()) {
      if (stopping_) return;
      urgent_ = false;
      continue;
    }
    std::swap(batch_, queue_);  // queue_ takes over the memory of the last batch
    std::vector<Waiter*> waiters = std::exchange(waiters_, {});
    urgent_ = false;
    lock.unlock();
    std::size_t kept = 0;
    const int error = write_batch(batch_, kept);
    const std::size_t lost = batch_.events() - kept;
    const bool batch_was_empty = batch_.events() == 0;
    batch_.clear();
    lock.lock();
    stats_.appended += kept;
    stats_.lost += lost;
    // A waiter that comes after its events were taken hears of that batch.
    if (!batch_was_empty) last_error_ = error;
    for (Waiter* const waiter : waiters) {
      if (last_error_ != 0) waiter->error = disk_error(path_, last_error_);
      waiter->finished = true;
      waiter->done.notify_one();
    }
  }
}

void JsonlEventSink::Batch::clear() noexcept {
  lines.clear();
  ends.clear();
  sync = false;
  // A burst should not keep its memory for ever.
  if (lines.capacity() > kKeptBytes) lines = {};
}

// Counts in `kept` the events whose whole line went to the file. Gives the error's number.
int JsonlEventSink::write_batch(const Batch& batch, std::size_t& kept) {
  int error = 0;
  if (!batch.lines.empty()) {
    const Turn turn(file_.get());
    // Half a line, of a write of ours that failed or of another davy that died in one: the
    // next line must not join it.
    const bool torn = ends_torn(look_.get(), error);
    if (error == 0 && torn) (void)write_some(file_.get(), "\n", error);
    const std::size_t done = error == 0 ? write_some(file_.get(), batch.lines, error) : 0;
    for (const std::size_t end : batch.ends) kept += end <= done ? 1 : 0;
  }
  if (error == 0 && batch.sync) error = sync_file(file_.get());
  if (error != 0) {
    log::error("events were lost",
               {{"file", path_}, {"lost", batch.events() - kept}, {"why", strerrordesc_np(error)}});
  }
  return error;
}

}  // namespace davy::store
