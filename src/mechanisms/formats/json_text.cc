#include "mechanisms/formats/json_text.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace davy::json {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::size_t kUnicodeEscape = 6;  // \uXXXX

constexpr bool is_high(char32_t c) noexcept { return c >= 0xD800 && c <= 0xDBFF; }
constexpr bool is_low(char32_t c) noexcept { return c >= 0xDC00 && c <= 0xDFFF; }

constexpr char32_t digit(char c) noexcept {
  if (c >= '0' && c <= '9') return static_cast<char32_t>(c - '0');
  return static_cast<char32_t>((c | 0x20) - 'a' + 10);
}

// The value of the \uXXXX at `at`; the string was accepted, so the digits are there.
char32_t unicode_escape(std::string_view raw, std::size_t at) noexcept {
  char32_t value = 0;
  for (std::size_t i = 2; i < kUnicodeEscape; ++i) value = value * 16 + digit(raw[at + i]);
  return value;
}

bool is_unicode_escape(std::string_view raw, std::size_t at) noexcept {
  return raw.size() - at >= kUnicodeEscape && raw[at] == '\\' && raw[at + 1] == 'u';
}

char short_escape(char c) noexcept {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;  // " \ /
  }
}

bool is_continuation(char c) noexcept { return (static_cast<std::uint8_t>(c) & 0xC0) == 0x80; }

std::size_t utf8_size(char32_t c) noexcept {
  if (c < 0x80) return 1;
  if (c < 0x800) return 2;
  return c < 0x10000 ? 3 : 4;
}

char* put_utf8(char* out, char32_t c) noexcept {
  const auto byte = [&out](char32_t value) { *out++ = static_cast<char>(value); };
  const auto tail = [&byte](char32_t value) { byte(0x80 | (value & 0x3F)); };
  if (c < 0x80) {
    byte(c);
  } else if (c < 0x800) {
    byte(0xC0 | (c >> 6));
    tail(c);
  } else if (c < 0x10000) {
    byte(0xE0 | (c >> 12));
    tail(c >> 6);
    tail(c);
  } else {
    byte(0xF0 | (c >> 18));
    tail(c >> 12);
    tail(c >> 6);
    tail(c);
  }
  return out;
}

// Writes at most raw.size() bytes: every escape is longer than what it stands for.
std::size_t decode_to(char* out, std::string_view raw) noexcept {
  char* const begin = out;
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t escape = std::min(raw.find('\\', at), raw.size());
    std::memcpy(out, raw.data() + at, escape - at);
    out += escape - at;
    at = escape;
    if (at == raw.size()) break;
    if (raw[at + 1] != 'u') {
      *out++ = short_escape(raw[at + 1]);
      at += 2;
      continue;
    }
    const Character c = character_at(raw, at);
    const bool lone = is_high(c.code_point) || is_low(c.code_point);
    out = put_utf8(out, lone ? kReplacement : c.code_point);
    at += c.raw_size;
  }
  return static_cast<std::size_t>(out - begin);
}

constexpr auto kNeedsEscape = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 0x20; ++c) table[c] = true;
  table['"'] = true;
  table['\\'] = true;
  return table;
}();

void append_escaped_byte(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    default:
      out += "\\u00";
      out += kHex[static_cast<std::uint8_t>(c) >> 4];
      out += kHex[static_cast<std::uint8_t>(c) & 0x0F];
  }
}

// Well-formed UTF-8 only.
void append_escaped_valid(std::string& out, std::string_view text) {
  std::size_t run = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!kNeedsEscape[static_cast<std::uint8_t>(text[at])]) continue;
    out.append(text, run, at - run);
    append_escaped_byte(out, text[at]);
    run = at + 1;
  }
  out.append(text, run);
}

}  // namespace

char* Arena::take(std::size_t size) {
  while (current_ < blocks_.size()) {
    Block& block = blocks_[current_];
    if (block.size - block.used >= size) {
      char* const taken = block.bytes.get() + block.used;
      block.used += size;
      return taken;
    }
    if (current_ + 1 == blocks_.size()) break;
    ++current_;
  }
  const std::size_t bytes = std::max(size, kBlockBytes);
  // Not make_unique: that would set every byte to zero.
  blocks_.push_back({std::unique_ptr<char[]>(new char[bytes]), bytes, size});
  current_ = blocks_.size() - 1;
  return blocks_.back().bytes.get();
}

void Arena::keep(char* taken, std::size_t used) noexcept {
  Block& block = blocks_[current_];
  block.used = static_cast<std::size_t>(taken - block.bytes.get()) + used;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* const taken = take(text.size());
  std::memcpy(taken, text.data(), text.size());
  return {taken, text.size()};
}

void Arena::clear() noexcept {
  std::size_t kept = 0;
  std::size_t count = 0;
  while (count < blocks_.size() && kept + blocks_[count].size <= kKeptBytes) {
    blocks_[count].used = 0;
    kept += blocks_[count].size;
    ++count;
  }
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(count), blocks_.end());
  current_ = 0;
}

Character character_at(std::string_view raw, std::size_t at) noexcept {
  if (raw[at] != '\\') {
    const std::size_t begin = at;
    const char32_t c = next_code_point(raw, at);
    return {c, at - begin, at - begin};
  }
  if (raw[at + 1] != 'u') {
    return {static_cast<std::uint8_t>(short_escape(raw[at + 1])), 2, 1};
  }
  const char32_t first = unicode_escape(raw, at);
  if (is_high(first) && is_unicode_escape(raw, at + kUnicodeEscape)) {
    const char32_t second = unicode_escape(raw, at + kUnicodeEscape);
    if (is_low(second)) {
      return {0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 2 * kUnicodeEscape, 4};
    }
  }
  return {first, kUnicodeEscape, utf8_size(first)};
}

void append_decoded(std::string& out, std::string_view raw) {
  const std::size_t before = out.size();
  out.resize(before + raw.size());
  out.resize(before + decode_to(out.data() + before, raw));
}

std::string_view decode(std::string_view raw, Arena& arena) {
  if (raw.empty()) return {};
  char* const taken = arena.take(raw.size());
  const std::size_t size = decode_to(taken, raw);
  arena.keep(taken, size);
  return {taken, size};
}

void append_escaped(std::string& out, std::string_view text) {
  while (const auto bad = first_invalid_utf8(text)) {
    append_escaped_valid(out, text.substr(0, *bad));
    append_utf8(out, kReplacement);
    text.remove_prefix(*bad + 1);
  }
  append_escaped_valid(out, text);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

void append_pointer_part(std::string& out, std::string_view key) {
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

std::size_t SourceCursor::skip_plain(std::size_t limit) noexcept {
  const std::string_view window = raw_.substr(at_, limit);
  const std::size_t run = std::min(window.find('\\'), window.size());
  at_ += run;
  text_ += run;
  return run;
}

std::size_t SourceCursor::begin_of(std::size_t offset) noexcept {
  while (at_ < raw_.size() && text_ < offset) {
    if (skip_plain(offset - text_) > 0) {
      // Inside a character: back to its begin, which is not before this run.
      while (at_ < raw_.size() && is_continuation(raw_[at_])) --at_, --text_;
      if (text_ < offset && at_ < raw_.size() && raw_[at_] != '\\') break;
      continue;
    }
    const Character c = character_at(raw_, at_);
    if (text_ + c.text_size > offset) break;
    at_ += c.raw_size;
    text_ += c.text_size;
  }
  return at_;
}

std::size_t SourceCursor::end_of(std::size_t offset) noexcept {
  while (at_ < raw_.size() && text_ < offset) {
    if (skip_plain(offset - text_) > 0) {
      while (at_ < raw_.size() && is_continuation(raw_[at_])) ++at_, ++text_;
      continue;
    }
    const Character c = character_at(raw_, at_);
    at_ += c.raw_size;
    text_ += c.text_size;
  }
  return at_;
}

Span source_span(std::string_view raw, Span text) noexcept {
  SourceCursor cursor(raw);
  const std::size_t begin = cursor.begin_of(text.begin);
  return {begin, text.empty() ? begin : cursor.end_of(text.end)};
}

}  // namespace davy::json
