#include "mechanisms/dialects/json_stream.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace davy::dialects {
namespace {

constexpr std::string_view kDone = "[DONE]";
constexpr std::size_t kUnicodeEscape = 6;  // \uXXXX
constexpr char32_t kReplacement = 0xFFFD;
constexpr std::string_view kReplacementEscape = "\\ufffd";

bool is_high(char32_t c) noexcept { return c >= 0xD800 && c <= 0xDBFF; }
bool is_low(char32_t c) noexcept { return c >= 0xDC00 && c <= 0xDFFF; }

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kWhite = " \t\r\n";
  const std::size_t begin = std::min(text.find_first_not_of(kWhite), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kWhite) + 1);
}

// The high surrogate that ends `raw` as an escape, or 0.
char32_t trailing_high(std::string_view raw) noexcept {
  if (raw.size() < kUnicodeEscape) return 0;
  const std::size_t at = raw.size() - kUnicodeEscape;
  if (raw[at] != '\\' || raw[at + 1] != 'u') return 0;
  // With an odd number of backslashes before it, this one is the second of an escaped one.
  std::size_t before = 0;
  while (before < at && raw[at - 1 - before] == '\\') ++before;
  if (before % 2 != 0) return 0;
  const char32_t last = json::character_at(raw, at).code_point;
  return is_high(last) ? last : 0;
}

std::size_t shifted(std::size_t at, std::span<const Splice> splices) noexcept {
  std::size_t out = at;
  for (const Splice& each : splices) {
    if (each.source.begin < at) out = out + each.replacement.size() - each.source.size();
  }
  return out;
}

}  // namespace

void JsonStream::reset(bool drop_usage_event) {
  walker_->reset();
  sse_ = SseParser(max_event_bytes_);
  streams_.reset();
  done_ = false;
  drop_usage_event_ = drop_usage_event;
}

Result<bool> JsonStream::next(StreamEvent& out) {
  if (done_) return false;
  const auto found = sse_.next(event_);
  if (!found) {
    unread_ = sse_.pending();
    return found.error();
  }
  if (!*found) return false;
  DAVY_TRY(read_or_keep(out));
  return true;
}

Result<void> JsonStream::read_or_keep(StreamEvent& out) {
  auto good = read(out);
  if (!good) unread_.assign(out.raw).append(sse_.pending());
  return good;
}

Result<bool> JsonStream::finish(StreamEvent& out) {
  if (done_) return false;
  event_ = {};
  DAVY_ASSIGN(const bool found, sse_.rest(event_));
  static_cast<void>(found);  // without it the event is empty and only ends the streams
  DAVY_TRY(read_or_keep(out));
  if (!out.done) end_streams(out);
  out.done = true;
  done_ = true;
  return true;
}

Result<void> JsonStream::read(StreamEvent& out) {
  out.raw.swap(event_.raw);
  out.segments.clear();
  out.finish_reason.clear();
  out.usage.reset();
  out.bytes_not_examined = event_.odd_bytes;
  out.done = false;
  out.mark = walker_->mark();
  out.data.clear();
  out.sources.clear();
  out.echoes.clear();
  out.memory.clear();
  if (!event_.has_data) return {};
  if (trim(event_.data) == kDone) {
    end_streams(out);
    out.done = done_ = true;
    return {};
  }
  out.data.assign(event_.data.begin(), event_.data.end());
  const std::string_view data(out.data.data(), out.data.size());
  json::Limits limits;
  limits.surrogates = json::Surrogates::replace;
  if (!index_.parse(data, limits)) {
    out.bytes_not_examined += data.size();
    return {};
  }
  DAVY_TRY(walker_->walk(index_));
  repairs_.clear();
  for (const AnswerWalker::Piece& piece : walker_->pieces()) DAVY_TRY(add_piece(piece, out));
  out.echoes = walker_->echoes();
  out.finish_reason = walker_->finish_reason();
  out.usage = walker_->usage();
  out.bytes_not_examined += walker_->bytes_not_examined();
  out.mark = walker_->mark();
  if (!repairs_.empty()) DAVY_TRY(repair(out));
  if (drop_usage_event_ && walker_->only_usage()) out.raw.clear();
  for (const StreamKey& key : walker_->ended_streams()) {
    if (StreamTable::Stream* const stream = streams_.known(key)) end_stream(*stream, out);
  }
  if (walker_->ended()) {
    end_streams(out);
    out.done = done_ = true;
  }
  return {};
}

Result<void> JsonStream::add_piece(const AnswerWalker::Piece& piece, StreamEvent& out) {
  std::string_view raw = slice(index_.source(), piece.source);
  if (piece.ends) {
    const std::string_view text = piece.has_escapes ? json::decode(raw, out.memory) : raw;
    out.segments.push_back({piece.key, 0, text, true});
    out.sources.push_back(piece.source);
    return {};
  }
  StreamTable::Stream* const stream = streams_.find(piece.key);
  if (stream == nullptr) return too_many_streams();
  if (stream->ended) {
    return invalid_input("a text of the answer goes on after its end", {},
                         "tell whoever runs the upstream");
  }
  std::optional<char32_t> first;  // what the piece before left to be written here
  if (stream->pending != 0) {
    const std::string_view high_text = raw;
    const json::Character c = json::character_at(high_text, 0);
    const bool joins = piece.has_escapes && is_low(c.code_point);
    const std::size_t used = joins ? kUnicodeEscape : 0;
    first = joins ? 0x10000 + ((stream->pending - 0xD800) << 10) + (c.code_point - 0xDC00)
                  : kReplacement;
    std::string written;
    if (joins) {
      append_utf8(written, *first);
    } else {
      written = kReplacementEscape;
    }
    repairs_.push_back({{piece.source.begin, piece.source.begin + used}, std::move(written)});
    raw.remove_prefix(used);
    stream->pending = 0;
  }
  if (piece.has_escapes && !piece.whole) stream->pending = trailing_high(raw);
  if (stream->pending != 0) {
    repairs_.push_back({{piece.source.end - kUnicodeEscape, piece.source.end}, {}});
    raw.remove_suffix(kUnicodeEscape);
  }
  std::string_view text = raw;
  if (first || piece.has_escapes) {
    std::string decoded;
    if (first) append_utf8(decoded, *first);
    json::append_decoded(decoded, raw);
    text = out.memory.copy(decoded);
  }
  if (text.empty()) return {};
  out.segments.push_back({piece.key, stream->offset, text, false});
  out.sources.push_back(piece.source);
  stream->offset += text.size();
  return {};
}

Result<void> JsonStream::repair(StreamEvent& out) {
  // Texts that are views into the data must outlive it.
  for (StreamSegment& segment : out.segments) segment.text = out.memory.copy(segment.text);
  for (Span& source : out.sources) {
    source = {shifted(source.begin, repairs_), shifted(source.end, repairs_)};
  }
  for (auto& echo : out.echoes) {
    echo.source = {shifted(echo.source.begin, repairs_), shifted(echo.source.end, repairs_)};
  }
  DAVY_ASSIGN(const std::string data,
              splice(std::string_view(out.data.data(), out.data.size()), repairs_));
  out.data.assign(data.begin(), data.end());
  out.raw = with_data(out.raw, data);
  return {};
}

void JsonStream::end_stream(StreamTable::Stream& stream, StreamEvent& out) {
  if (std::exchange(stream.ended, true)) return;
  out.segments.push_back({stream.key, stream.offset, {}, true});
  out.sources.emplace_back();
}

void JsonStream::end_streams(StreamEvent& out) {
  for (StreamTable::Stream& stream : streams_.all()) end_stream(stream, out);
}

Result<std::string> JsonStream::apply(const StreamEvent& event, std::span<const StreamEdit> edits) {
  walker_->delivered(event.mark);
  if (event.data.empty()) return event.raw;
  const std::string_view data(event.data.data(), event.data.size());
  DAVY_ASSIGN(const std::string edited,
              edit_streams(data, event.segments, event.sources, event.echoes, edits, Reach::part));
  return edited == data ? event.raw : with_data(event.raw, edited);
}

}  // namespace davy::dialects
