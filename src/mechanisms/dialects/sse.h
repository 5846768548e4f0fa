// Server-sent events (WHATWG HTML, 9.2): cuts a byte stream into events, keeping the
// bytes of each so that it can be passed on as it came.
//
// The same events come out under every split of the input. An event ends with its blank
// line, ended by LF, CR or CRLF. If the line before ended in CRLF, a CR waits for the
// byte after it; otherwise the event ends at the CR at once, and an LF after it counts
// to the next event. One byte order mark at the start is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace davy::dialects {

// An event that carries more is refused: nobody sends one, and it must fit in memory.
inline constexpr std::size_t kMaxEventBytes = 1024 * 1024;

struct SseEvent {
  std::string raw;        // all its bytes with the blank line, comments and other fields
  std::string data;       // the `data` lines, joined with LF
  bool has_data = false;  // an event without data is never dispatched by a client
  // Bytes of other lines that hold more than an identifier, or more than a short comment in
  // plain words: some clients end lines at U+2028 and the like too, and see data there.
  std::size_t odd_bytes = 0;
};

// Not thread-safe. One for each stream.
class SseParser {
 public:
  explicit SseParser(std::size_t max_event_bytes = kMaxEventBytes) noexcept
      : max_event_bytes_(max_event_bytes) {}

  // Copies the bytes. Call next() until it gives false before feeding more.
  void feed(std::string_view bytes);
  // Fills `out` (reusing its memory) with the next complete event; false if more bytes
  // are needed. Error: limit, when an event grows beyond the bound; then no more comes.
  [[nodiscard]] Result<bool> next(SseEvent& out);
  // After the last byte: what stands there without a blank line. A client should drop
  // it, but some do not, so it is to be examined like an event. False if nothing does.
  [[nodiscard]] Result<bool> rest(SseEvent& out);
  // What was fed and stands in no event yet.
  [[nodiscard]] std::string_view pending() const noexcept {
    return std::string_view(buffer_).substr(begin_);
  }

 private:
  // Where the event that begins at begin_ ends, if its blank line is there.
  [[nodiscard]] std::size_t find_end() noexcept;
  void cut(std::size_t end, SseEvent& out);

  std::size_t max_event_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;       // of the event that is being read
  std::size_t line_ = 0;        // of the line that is being read
  std::size_t scan_ = 0;        // what is before was looked at
  bool after_crlf_ = false;     // the line before ended so
  bool line_feed_due_ = false;  // an LF at begin_ belongs to the CR before it
  bool started_ = false;        // past a byte order mark
  bool failed_ = false;
};

// The event `raw` with `data` in place of its data; other fields, comments and line ends
// stay. An LF in `data` begins a new data line.
[[nodiscard]] std::string with_data(std::string_view raw, std::string_view data);

// Appends "data: …" and a blank line; `data` has no line break.
void append_event(std::string& out, std::string_view data);
// The same with a line "event: …" before it.
void append_named_event(std::string& out, std::string_view name, std::string_view data);

}  // namespace davy::dialects
