#include "mechanisms/formats/json_skim.h"

#include <algorithm>
#include <charconv>

#include "mechanisms/formats/json_scan.h"

namespace davy::json {
namespace {

bool is_white(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool ends_scalar(char c) noexcept { return c == ',' || c == '}' || c == ']' || is_white(c); }

}  // namespace

void Skim::skip_white() noexcept {
  while (at_ < text_.size() && is_white(text_[at_])) ++at_;
}

bool Skim::done() const noexcept {
  const std::string_view rest = text_.substr(at_);
  return good_ && std::all_of(rest.begin(), rest.end(), is_white);
}

bool Skim::enter(char opener) noexcept {
  if (!good_ || peek() != opener) return false;
  ++at_;
  first_ = true;
  return true;
}

// After a value or an opening: past a comma, or past the end of the container.
bool Skim::next(char closer) noexcept {
  if (!good_) return false;
  skip_white();
  const bool first = first_;
  first_ = false;
  if (peek() == closer) {
    ++at_;
    skip_white();
    return false;
  }
  if (!first) {
    if (peek() != ',') {
      fail();
      return false;
    }
    ++at_;
    skip_white();
  }
  return true;
}

bool Skim::next_element() noexcept { return next(']'); }

bool Skim::next_member(std::string_view& key) noexcept {
  if (!next('}')) return false;
  bool escapes = false;
  key = string(escapes);
  skip_white();
  if (!good_ || escapes || peek() != ':') {
    fail();
    return false;
  }
  ++at_;
  skip_white();
  return true;
}

std::string_view Skim::string(bool& escapes) noexcept {
  if (peek() != '"') {
    fail();
    return {};
  }
  const std::size_t begin = ++at_;
  bool high = false;
  for (;;) {
    at_ = end_of_run(text_, at_, high);
    if (at_ >= text_.size()) break;
    if (text_[at_] == '"') return text_.substr(begin, at_++ - begin);
    if (text_[at_] == '\\') {
      escapes = true;
      ++at_;
    }
    ++at_;  // what is escaped, or a control character, which nobody judges here
    if (at_ > text_.size()) break;
  }
  at_ = text_.size();
  fail();
  return {};
}

std::optional<std::string_view> Skim::scalar() noexcept {
  if (!good_ || peek() == '{' || peek() == '[') return std::nullopt;
  if (peek() == '"') {
    bool escapes = false;
    return string(escapes);
  }
  const std::size_t begin = at_;
  while (at_ < text_.size() && !ends_scalar(text_[at_])) ++at_;
  if (at_ == begin) fail();
  return text_.substr(begin, at_ - begin);
}

std::optional<std::uint64_t> Skim::whole_number() noexcept {
  const char first = peek();
  if (first < '0' || first > '9') {
    skip();
    return std::nullopt;
  }
  const std::string_view digits = scalar().value_or("");
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

void Skim::skip() noexcept {
  if (peek() == '{' || peek() == '[') {
    skip_container();
  } else {
    (void)scalar();
  }
}

// Counts brackets of either kind together: which closes which is not checked.
void Skim::skip_container() noexcept {
  std::size_t depth = 0;
  while (good_ && at_ < text_.size()) {
    switch (text_[at_]) {
      case '"': {
        bool escapes = false;
        (void)string(escapes);
        continue;
      }
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (--depth == 0) {
          ++at_;
          return;
        }
        break;
      default: break;
    }
    ++at_;
  }
  fail();
}

}  // namespace davy::json
