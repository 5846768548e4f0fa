#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "base/log.h"
#include "mechanisms/store/jsonl_events.h"

namespace davy::store {
namespace {

constexpr std::size_t kBlock = 1 << 20;
constexpr std::string_view kTimeKey = "{\"_time\":";

// The seconds with which every line of ours begins (core/event.h), if it does.
std::optional<double> line_seconds(std::string_view line) {
  if (!line.starts_with(kTimeKey)) return std::nullopt;
  line.remove_prefix(kTimeKey.size());
  double seconds = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
  if (error != std::errc()) return std::nullopt;
  return seconds;
}

// The first line from `at` on that holds `text`, and moves `at` past it; empty if none does.
std::string_view next_line_with(std::string_view text, std::string_view block, std::size_t& at) {
  const void* const hit = ::memmem(block.data() + at, block.size() - at, text.data(), text.size());
  if (hit == nullptr) return {};
  const auto where = static_cast<std::size_t>(static_cast<const char*>(hit) - block.data());
  const std::size_t before = block.rfind('\n', where);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  at = std::min(block.find('\n', where), block.size());
  return block.substr(begin, at - begin);
}

// Gives the lines of a file from the last to the first. A line longer than
// kMaxEventLine is left out and counted.
class LinesBackwards {
 public:
  LinesBackwards(int fd, std::size_t size) : fd_(fd), from_(size) {}

  // The next block of whole lines, in file order, without the last one's LF; empty at
  // the start of the file. An error is the system's number.
  Result<std::string_view> next_block() {
    while (from_ > 0) {
      const std::size_t take = std::min(kBlock, from_);
      std::string block(take, '\0');
      DAVY_TRY(read(block, from_ - take));
      from_ -= take;
      if (oversize_) {
        // The rest of a line that was too long: gone with its beginning.
        const std::size_t end = block.rfind('\n');
        if (end == std::string::npos) continue;
        block.resize(end);
        oversize_ = false;
      } else {
        block += head_;
      }
      head_.clear();
      if (from_ == 0) {
        block_ = std::move(block);
        return std::string_view(block_);
      }
      const std::size_t first = block.find('\n');
      if (first == std::string::npos) {
        head_ = std::move(block);
      } else {
        head_ = block.substr(0, first);
        block_ = block.substr(first + 1);
      }
      if (head_.size() > kMaxEventLine) {
        head_.clear();
        oversize_ = true;
        ++skipped_;
      }
      if (first != std::string::npos) return std::string_view(block_);
    }
    return std::string_view();
  }

  [[nodiscard]] bool at_start() const noexcept { return from_ == 0; }
  [[nodiscard]] std::size_t skipped() const noexcept { return skipped_; }

 private:
  Result<void> read(std::string& out, std::size_t at) const {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got =
          ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        return unavailable(fmt::format("cannot read events: {}", got == 0
                                                                     ? "the file became shorter"
                                                                     : strerrordesc_np(errno)));
      }
      done += static_cast<std::size_t>(got);
    }
    return {};
  }

  int fd_;
  std::size_t from_;  // where the unread part ends
  std::string head_;  // the end of a line whose beginning is before `from_`
  std::string block_;
  bool oversize_ = false;
  std::size_t skipped_ = 0;
};

}  // namespace

Result<std::unique_ptr<JsonlEventReader>> JsonlEventReader::open(const Home& home) {
  Fd fd(openat(home.folder().fd(), kEventsFile,
               O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid() && errno != ENOENT) {
    return invalid_input(fmt::format("cannot read events: {}", strerrordesc_np(errno)),
                         {home.file(kEventsFile)});
  }
  return std::unique_ptr<JsonlEventReader>(
      new JsonlEventReader(std::move(fd), home.file(kEventsFile)));
}

Result<std::vector<Event>> JsonlEventReader::find(std::string_view request_id) const {
  std::vector<Event> found;
  if (!file_.valid() || request_id.empty()) return found;
  struct stat status {};
  if (fstat(file_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return invalid_input("is no regular file", {path_});
  }
  std::size_t unreadable = 0;
  std::optional<double> oldest_wanted;  // known once a row was found
  LinesBackwards lines(file_.get(), static_cast<std::size_t>(status.st_size));
  for (;;) {
    DAVY_ASSIGN(const std::string_view block, lines.next_block());
    std::vector<Event> here;
    for (std::size_t at = 0; at < block.size();) {
      const std::string_view line = next_line_with(request_id, block, at);
      if (line.empty()) break;
      if (auto event = event_from_json(line)) {
        if (event->text(Field::request_id) == request_id) here.push_back(std::move(event).value());
      } else {
        ++unreadable;
      }
    }
    if (!here.empty()) {
      oldest_wanted =
          unix_seconds(here.front().time()) - std::chrono::duration<double>(kSlack).count();
      found.insert(found.begin(), std::make_move_iterator(here.begin()),
                   std::make_move_iterator(here.end()));
    }
    if (lines.at_start()) break;
    const auto seconds = line_seconds(block);
    if (oldest_wanted && seconds && *seconds < *oldest_wanted) break;
  }
  if (unreadable + lines.skipped() > 0) {
    log::warning("lines of the events could not be read",
                 {{"file", path_}, {"unreadable", unreadable}, {"too_long", lines.skipped()}});
  }
  return found;
}

}  // namespace davy::store
