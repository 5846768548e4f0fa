#include "mechanisms/dialects/sse.h"

#include <algorithm>

#include "mechanisms/dialects/identifiers.h"

namespace davy::dialects {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kDataField = "data";
constexpr std::size_t kNoEnd = std::string::npos;

struct Line {
  std::string_view text;  // without its end
  std::string_view end;   // LF, CR, CRLF; empty if the bytes end first
};

// The first CR or LF from `at` on, or the end. (find_first_of calls a function a byte.)
std::size_t line_end(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && text[at] != '\n' && text[at] != '\r') ++at;
  return at;
}

// Takes the first line off `rest`.
Line take_line(std::string_view& rest) {
  const std::size_t at = line_end(rest, 0);
  if (at == rest.size()) {
    const Line line{rest, {}};
    rest = {};
    return line;
  }
  const std::size_t size = rest.substr(at, 2) == "\r\n" ? 2 : 1;
  const Line line{rest.substr(0, at), rest.substr(at, size)};
  rest.remove_prefix(at + size);
  return line;
}

// Whether a line is the `data` field; then what stands before its value.
bool is_data(std::string_view line, std::size_t& prefix) {
  if (!line.starts_with(kDataField)) return false;
  prefix = kDataField.size();
  if (line.size() == prefix) return true;
  if (line[prefix] != ':') return false;
  ++prefix;
  if (line.size() > prefix && line[prefix] == ' ') ++prefix;
  return true;
}

// Whether a line that is not data has nothing that any client could take for more.
bool is_plain(std::string_view line) {
  constexpr std::size_t kMaxComment = 128;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return line.empty();
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (value.empty() || is_identifier(value)) {
    return name.empty() || name == "event" || name == "id" || name == "retry";
  }
  if (name == "id") return value.size() <= kMaxComment && is_base64(value);
  // ": ping - 2027-03-31 12:00:00.000000+00:00"
  return name.empty() && value.size() <= kMaxComment &&
         std::all_of(value.begin(), value.end(), [](const char& c) {
           return c == ' ' || is_identifier({&c, 1});
         });
}

}  // namespace

void SseParser::feed(std::string_view bytes) {
  if (failed_) return;
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    line_ -= begin_;
    scan_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(bytes);
}

std::size_t SseParser::find_end() noexcept {
  if (line_feed_due_ && begin_ < buffer_.size()) {
    line_feed_due_ = false;
    if (buffer_[begin_] == '\n') line_ = scan_ = begin_ + 1;
  }
  for (;;) {
    scan_ = line_end(buffer_, scan_);
    if (scan_ == buffer_.size()) return kNoEnd;
    const bool blank = scan_ == line_;
    bool crlf = false;
    if (buffer_[scan_] == '\r') {
      if (blank && !after_crlf_) {
        line_feed_due_ = true;
        return scan_ + 1;
      }
      // Without the next byte one cannot tell CR from CRLF.
      if (scan_ + 1 == buffer_.size()) return kNoEnd;
      crlf = buffer_[scan_ + 1] == '\n';
    }
    scan_ += crlf ? 2 : 1;
    line_ = scan_;
    if (blank) return scan_;
    after_crlf_ = crlf;
  }
}

void SseParser::cut(std::size_t end, SseEvent& out) {
  out.raw.assign(buffer_, begin_, end - begin_);
  out.data.clear();
  out.has_data = false;
  out.odd_bytes = 0;
  begin_ = line_ = scan_ = end;
  after_crlf_ = false;
  std::string_view rest = out.raw;
  while (!rest.empty()) {
    const Line line = take_line(rest);
    std::size_t prefix = 0;
    if (!is_data(line.text, prefix)) {
      if (!is_plain(line.text)) out.odd_bytes += line.text.size();
      continue;
    }
    if (out.has_data) out.data += '\n';
    out.data += line.text.substr(prefix);
    out.has_data = true;
  }
}

Result<bool> SseParser::next(SseEvent& out) {
  if (!started_) {
    const std::string_view start = std::string_view(buffer_).substr(0, kByteOrderMark.size());
    if (start.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(start)) return false;
    started_ = true;
    if (start == kByteOrderMark) begin_ = line_ = scan_ = kByteOrderMark.size();
  }
  const std::size_t end = failed_ ? kNoEnd : find_end();
  const std::size_t size = (end == kNoEnd ? buffer_.size() : end) - begin_;
  if (failed_ || size > max_event_bytes_) {
    failed_ = true;
    return limit_reached(
        "an event of the stream has more than " + std::to_string(max_event_bytes_) + " bytes", {},
        "the upstream must send smaller events");
  }
  if (end == kNoEnd) return false;
  cut(end, out);
  return true;
}

Result<bool> SseParser::rest(SseEvent& out) {
  DAVY_ASSIGN(const bool whole, next(out));
  if (whole) return true;
  if (begin_ == buffer_.size()) return false;
  cut(buffer_.size(), out);
  return true;
}

std::string with_data(std::string_view raw, std::string_view data) {
  std::string out;
  out.reserve(raw.size() + data.size());
  bool written = false;
  while (!raw.empty()) {
    const Line line = take_line(raw);
    std::size_t prefix = 0;
    if (!is_data(line.text, prefix)) {
      out.append(line.text).append(line.end);
      continue;
    }
    if (written) continue;
    written = true;
    const std::string_view field =
        prefix > kDataField.size() ? line.text.substr(0, prefix) : std::string_view("data:");
    const std::string_view line_end = line.end.empty() ? std::string_view("\n") : line.end;
    for (std::string_view left = data;;) {
      const std::size_t at = std::min(left.find('\n'), left.size());
      out.append(field);
      // A reader takes away one space after the colon.
      if (!field.ends_with(' ') && left.starts_with(' ')) out += ' ';
      out.append(left.substr(0, at));
      if (at == left.size()) break;
      out.append(line_end);
      left.remove_prefix(at + 1);
    }
    out.append(line.end);
  }
  return out;
}

void append_event(std::string& out, std::string_view data) {
  out.append("data: ").append(data).append("\n\n");
}

void append_named_event(std::string& out, std::string_view name, std::string_view data) {
  out.append("event: ").append(name).append("\n");
  append_event(out, data);
}

}  // namespace davy::dialects
