#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/strings.h"
#include "surfaces/practice/brain.h"

namespace davy::practice {
namespace {

constexpr std::size_t kMaxExpression = 200;
constexpr int kMaxDepth = 30;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool belongs(char c) {
  return is_digit(c) || std::string_view("+-*/(). ").find(c) != std::string_view::npos;
}

// expression = term { (+|-) term } ; term = factor { (*|/) factor } ;
// factor = [-] number | [-] ( expression )
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // Nothing when the text is no expression or has no operator.
  std::optional<Arithmetic> parse() {
    const double value = sum(0);
    skip();
    if (wrong_ || at_ != text_.size() || operators_ == 0) return std::nullopt;
    Arithmetic found{std::string(text_), std::nullopt};
    if (!by_zero_ && std::isfinite(value)) found.value = value;
    return found;
  }

 private:
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  double sum(int depth) {
    double value = product(depth);
    for (;;) {
      if (take('+')) {
        value += product(depth);
      } else if (take('-')) {
        value -= product(depth);
      } else {
        return value;
      }
      ++operators_;
    }
  }
  double product(int depth) {
    double value = factor(depth);
    for (;;) {
      if (take('*')) {
        value *= factor(depth);
      } else if (take('/')) {
        const double by = factor(depth);
        by_zero_ = by_zero_ || by == 0;
        value = by == 0 ? 0 : value / by;
      } else {
        return value;
      }
      ++operators_;
    }
  }
  double factor(int depth) {
    if (depth > kMaxDepth) wrong_ = true;
    if (wrong_) return 0;
    const bool negative = take('-');
    double value = 0;
    if (take('(')) {
      value = sum(depth + 1);
      if (!take(')')) wrong_ = true;
    } else {
      skip();
      const char* first = text_.data() + at_;
      const char* last = text_.data() + text_.size();
      const auto read = std::from_chars(first, last, value, std::chars_format::fixed);
      if (read.ec != std::errc() || !is_digit(*first)) wrong_ = true;
      at_ += static_cast<std::size_t>(read.ptr - first);
    }
    return negative ? -value : value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int operators_ = 0;
  bool wrong_ = false;
  bool by_zero_ = false;
};

}  // namespace

std::optional<Arithmetic> find_arithmetic(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    if (!belongs(text[begin])) {
      ++begin;
      continue;
    }
    std::size_t end = begin;
    while (end < text.size() && belongs(text[end])) ++end;
    std::string_view run = trim(text.substr(begin, end - begin));
    // The full stop or hyphen of the sentence around it is no part of it.
    while (!run.empty() && !is_digit(run.back()) && run.back() != ')') run.remove_suffix(1);
    while (!run.empty() && !is_digit(run.front()) && run.front() != '(' && run.front() != '-') {
      run.remove_prefix(1);
    }
    if (!run.empty() && run.size() <= kMaxExpression) {
      if (auto found = Parser(run).parse()) return found;
    }
    begin = end;
  }
  return std::nullopt;
}

}  // namespace davy::practice
