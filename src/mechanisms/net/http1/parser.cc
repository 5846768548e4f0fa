#include "mechanisms/net/http1/parser.h"

#include <algorithm>

#include "mechanisms/net/http1/characters.h"
#include "mechanisms/net/http1/meaning.h"

namespace davy::http1 {
namespace {

using namespace characters;

// The longest method registered with IANA has 18 letters.
constexpr std::size_t kMaxMethod = 32;
constexpr std::size_t kVersionSize = 8;  // "HTTP/1.1"
// Offsets are kept in 32 bits.
constexpr std::size_t kMaxHead = std::size_t{1} << 30;

constexpr Part part(std::size_t begin, std::size_t end) noexcept {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
}

// CONNECT makes a tunnel; TRACE has the last server answer with the request as it came
// there (RFC 9110 9.3.8), the credentials in it included.
bool unsupported(std::string_view method) noexcept {
  return method == "CONNECT" || method == "TRACE" || method == "TRACK";
}

}  // namespace

HeadParser::HeadParser(const Limits& limits) noexcept : limits_(limits) {
  limits_.head_bytes = std::min(limits_.head_bytes, kMaxHead);
}

void HeadParser::clear(Fields& fields, Phase phase) noexcept {
  fields.base_ = nullptr;
  fields.entries_.clear();
  fields.names_more_ = false;
  problem_ = {};
  at_ = 0;
  begin(phase);
}

bool HeadParser::refuse(Refusal refusal, std::size_t offset) noexcept {
  problem_ = {refusal, offset};
  phase_ = Phase::refused;
  outcome_ = Progress::refused;
  return false;
}

bool HeadParser::starve() noexcept {
  if (full_) return refuse(Refusal::head_too_large, limits_.head_bytes);
  outcome_ = Progress::need_more;
  return false;
}

std::string_view HeadParser::begin_parse(std::string_view buffer) noexcept {
  full_ = buffer.size() >= limits_.head_bytes;
  return buffer.substr(0, limits_.head_bytes);
}

bool HeadParser::take_version(std::string_view buffer, int& minor) {
  constexpr std::string_view kForm = "HTTP/0.0";
  for (; at_ - start_ < kVersionSize; ++at_) {
    if (at_ == buffer.size()) return starve();
    const char expected = kForm[at_ - start_];
    const bool fits = expected == '0' ? is(buffer[at_], kDigit) : buffer[at_] == expected;
    if (!fits) return refuse(Refusal::version_invalid, at_);
  }
  const char major = buffer[start_ + 5];
  const char low = buffer[start_ + 7];
  if (major != '1' || low > '1') return refuse(Refusal::version_unsupported, start_ + 5);
  minor = low - '0';
  return true;
}

bool HeadParser::take_line_end(std::string_view buffer, Refusal otherwise) {
  if (at_ == buffer.size()) return starve();
  if (buffer[at_] != '\r') {
    return refuse(buffer[at_] == '\n' ? Refusal::bare_lf : otherwise, at_);
  }
  if (at_ + 1 == buffer.size()) return starve();
  if (buffer[at_ + 1] != '\n') return refuse(Refusal::bare_cr, at_);
  at_ += 2;
  return true;
}

bool HeadParser::take_line_start(std::string_view buffer) {
  if (at_ == buffer.size()) return starve();
  switch (buffer[at_]) {
    case '\r':
    case '\n':
      if (!take_line_end(buffer, Refusal::bare_cr)) return false;
      begin(Phase::complete);
      return true;
    case ' ':
    case '\t': return refuse(Refusal::folded_line, at_);
    case ':': return refuse(Refusal::field_name_empty, at_);
    default: begin(Phase::name); return true;
  }
}

bool HeadParser::take_name(std::string_view buffer, Fields& fields) {
  at_ = skip_token(buffer, at_);
  if (at_ == buffer.size()) return starve();
  switch (buffer[at_]) {
    case ':': break;
    case ' ':
    case '\t': return refuse(Refusal::space_before_colon, at_);
    case '\r': return refuse(Refusal::colon_missing, at_);
    case '\n': return refuse(Refusal::bare_lf, at_);
    default: return refuse(Refusal::field_name_invalid, at_);
  }
  if (fields.entries_.size() >= limits_.fields) {
    return refuse(Refusal::too_many_fields, start_);
  }
  const Part name = part(start_, at_);
  const FieldKind kind = field_kind(buffer.substr(name.at, name.size));
  fields.entries_.push_back({name.at, name.size, 0, 0, kind});
  ++at_;
  begin(Phase::value);
  return true;
}

bool HeadParser::take_value(std::string_view buffer, Fields& fields) {
  at_ = skip_value(buffer, at_);
  std::size_t end = at_;
  if (!take_line_end(buffer, Refusal::field_value_invalid)) return false;
  while (start_ < end && is_blank(buffer[start_])) ++start_;
  while (end > start_ && is_blank(buffer[end - 1])) --end;
  const Part value = part(start_, end);
  fields.entries_.back().value = value.at;
  fields.entries_.back().value_size = value.size;
  begin(Phase::line);
  return true;
}

bool HeadParser::take_fields(std::string_view buffer, Fields& fields) {
  // Room for a typical head at once; kept when the parser is reused.
  constexpr std::size_t kTypicalFields = 24;
  if (fields.entries_.capacity() == 0) fields.entries_.reserve(kTypicalFields);
  for (;;) {
    bool more = false;
    switch (phase_) {
      case Phase::line: more = take_line_start(buffer); break;
      case Phase::name: more = take_name(buffer, fields); break;
      case Phase::value: more = take_value(buffer, fields); break;
      default: return phase_ == Phase::complete;
    }
    if (!more) return false;
  }
}

bool RequestParser::take_method(std::string_view buffer) {
  if (buffer.empty()) return starve();
  if (buffer[0] == '\r' || buffer[0] == '\n') return refuse(Refusal::leading_line_break, 0);
  at_ = skip(buffer.substr(0, kMaxMethod), at_, kToken);
  if (at_ == buffer.size()) return starve();
  if (buffer[at_] == '\r' && at_ > 0) return refuse(Refusal::first_line_incomplete, at_);
  if (buffer[at_] == '\n') return refuse(Refusal::bare_lf, at_);
  if (buffer[at_] != ' ' || at_ == 0) return refuse(Refusal::method_invalid, at_);
  if (unsupported(buffer.substr(0, at_))) return refuse(Refusal::method_unsupported, 0);
  head_.method_ = part(0, at_);
  ++at_;
  begin(Phase::target);
  return true;
}

bool RequestParser::take_target(std::string_view buffer) {
  // `start_` is at most 33, so the sum cannot wrap but for a limit near the maximum.
  const std::size_t most = std::min(limits_.target_bytes, kMaxHead);
  at_ = skip_target(buffer.substr(0, start_ + most), at_);
  if (at_ == buffer.size()) return starve();
  const char c = buffer[at_];
  if (is(c, kTarget)) return refuse(Refusal::target_too_long, at_);
  if (c == '\r') return refuse(Refusal::first_line_incomplete, at_);
  if (c == '\n') return refuse(Refusal::bare_lf, at_);
  if (c != ' ' || at_ == start_) return refuse(Refusal::target_invalid, at_);
  head_.target_ = part(start_, at_);
  ++at_;
  begin(Phase::version);
  return true;
}

Progress RequestParser::parse(std::string_view buffer) {
  head_.rebase(buffer.data());
  if (phase_ == Phase::complete) return Progress::complete;
  if (phase_ == Phase::refused) return Progress::refused;
  buffer = begin_parse(buffer);
  if (phase_ == Phase::method && !take_method(buffer)) return outcome_;
  if (phase_ == Phase::target && !take_target(buffer)) return outcome_;
  if (phase_ == Phase::version) {
    if (!take_version(buffer, head_.minor_version_)) return outcome_;
    if (!take_line_end(buffer, Refusal::version_invalid)) return outcome_;
    begin(Phase::line);
  }
  if (!take_fields(buffer, head_.fields_) || !finish(buffer)) return outcome_;
  return Progress::complete;
}

bool RequestParser::finish(std::string_view buffer) {
  head_.size_ = at_;
  Meaning meaning;
  if (!read_fields(head_.fields_, head_.minor_version_, meaning)) return false;
  if (!check_host(buffer, head_, meaning)) return false;
  const bool has_body = meaning.chunked || meaning.length.value_or(0) > 0;
  const bool current = head_.minor_version_ == 1;
  Framing& framing = head_.framing_;
  framing.body = meaning.chunked ? BodyKind::chunked : has_body ? BodyKind::length : BodyKind::none;
  framing.content_length = meaning.length;
  framing.keep_alive = !meaning.close && (current || meaning.keep_alive);
  framing.expect_continue = meaning.expect && has_body && current;
  framing.upgrade = meaning.names_upgrade && meaning.has_upgrade && current;
  return true;
}

void RequestParser::reset() noexcept { clear(head_.fields_, Phase::method); }

bool ResponseParser::take_status(std::string_view buffer) {
  // " 200", then a space and the reason or the end of the line: some servers leave the
  // space out too, which RFC 9112 4 asks for.
  constexpr std::size_t kSize = 4;
  for (; at_ - start_ < kSize; ++at_) {
    if (at_ == buffer.size()) return starve();
    const std::size_t i = at_ - start_;
    const char c = buffer[at_];
    const bool fits = i == 0 ? c == ' ' : is(c, kDigit) && !(i == 1 && c == '0');
    if (!fits) return refuse(Refusal::status_line_invalid, at_);
  }
  if (at_ == buffer.size()) return starve();
  const auto digit = [&](std::size_t i) { return buffer[start_ + i] - '0'; };
  head_.status_ = digit(1) * 100 + digit(2) * 10 + digit(3);
  if (buffer[at_] == ' ') {
    ++at_;
  } else if (buffer[at_] != '\r') {
    return refuse(buffer[at_] == '\n' ? Refusal::bare_lf : Refusal::status_line_invalid, at_);
  }
  begin(Phase::reason);
  return true;
}

bool ResponseParser::take_reason(std::string_view buffer) {
  at_ = skip_value(buffer, at_);
  const Part reason = part(start_, at_);
  if (!take_line_end(buffer, Refusal::status_line_invalid)) return false;
  head_.reason_ = reason;
  begin(Phase::line);
  return true;
}

Progress ResponseParser::parse(std::string_view buffer) {
  head_.rebase(buffer.data());
  if (phase_ == Phase::complete) return Progress::complete;
  if (phase_ == Phase::refused) return Progress::refused;
  buffer = begin_parse(buffer);
  if (phase_ == Phase::version) {
    if (!take_version(buffer, head_.minor_version_)) return outcome_;
    begin(Phase::status);
  }
  if (phase_ == Phase::status && !take_status(buffer)) return outcome_;
  if (phase_ == Phase::reason && !take_reason(buffer)) return outcome_;
  if (!take_fields(buffer, head_.fields_) || !finish()) return outcome_;
  return Progress::complete;
}

bool ResponseParser::finish() {
  head_.size_ = at_;
  Meaning meaning;
  if (!read_fields(head_.fields_, head_.minor_version_, meaning)) return false;
  Framing& framing = head_.framing_;
  framing = {};
  framing.content_length = meaning.length;
  // RFC 9112 6.3: what a HEAD, a 1xx, a 204 or a 304 says of length tells of no bytes here.
  if (answers_head_ || head_.interim() || head_.status_ == 204 || head_.status_ == 304) {
    framing.body = BodyKind::none;
  } else if (meaning.chunked) {
    framing.body = BodyKind::chunked;
  } else if (meaning.length) {
    framing.body = *meaning.length > 0 ? BodyKind::length : BodyKind::none;
  } else {
    framing.body = BodyKind::until_close;
  }
  const bool reusable = framing.body != BodyKind::until_close && head_.status_ != 101;
  framing.keep_alive =
      reusable && !meaning.close && (head_.minor_version_ == 1 || meaning.keep_alive);
  framing.upgrade = head_.status_ == 101;
  return true;
}

void ResponseParser::reset(bool answers_head) noexcept {
  clear(head_.fields_, Phase::version);
  answers_head_ = answers_head;
}

}  // namespace davy::http1
