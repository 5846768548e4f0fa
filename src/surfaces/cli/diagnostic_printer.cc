#include "surfaces/cli/diagnostic_printer.h"

#include <algorithm>
#include <array>
#include <ostream>
#include <tuple>

#include "base/bytes.h"
#include "base/files.h"
#include "base/strings.h"
#include "surfaces/cli/table.h"

namespace davy::cli {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;
constexpr std::size_t kMaxShown = 100;  // characters of a line
constexpr std::size_t kLongRun = 16;    // characters; provider keys have 20 and more
constexpr std::array<std::string_view, 6> kSecretKeys{"credential", "secret",  "password",
                                                      "token",      "api_key", "apikey"};

bool in_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '+' || c == '=';
}

// Where to stop showing the line: after the colon of a key whose value may be a secret.
std::size_t end_of_harmless(std::string_view line) {
  const std::string lowered = lower(line);
  std::size_t end = line.size();
  for (const std::string_view key : kSecretKeys) {
    const std::size_t at = lowered.find(key);
    if (at == std::string::npos) continue;
    const std::size_t colon = lowered.find(':', at);
    if (colon != std::string::npos) end = std::min(end, colon + 1);
  }
  return end;
}

void hide(std::string& line, std::size_t begin, std::size_t end) {
  std::fill(line.begin() + static_cast<std::ptrdiff_t>(begin),
            line.begin() + static_cast<std::ptrdiff_t>(end), '*');
}

void hide_user_information(std::string& line) {
  for (std::size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 3)) {
    const std::size_t end = std::min(line.find_first_of(" \t\"'", at), line.size());
    const std::size_t sign = line.rfind('@', end);
    if (sign != std::string::npos && sign > at + 3 && sign < end) hide(line, at + 3, sign);
  }
}

void hide_long_runs(std::string& line) {
  for (std::size_t begin = 0; begin < line.size();) {
    std::size_t end = begin;
    bool letter = false;
    bool digit = false;
    for (; end < line.size() && in_word(line[end]); ++end) {
      const bool is_digit = line[end] >= '0' && line[end] <= '9';
      digit = digit || is_digit;
      letter = letter || !is_digit;
    }
    if (end - begin >= kLongRun && letter && digit) hide(line, begin, end);
    begin = end + 1;
  }
}

}  // namespace

Excerpt make_excerpt(std::string_view text, std::size_t column) {
  std::string line(text);
  while (!line.empty() && line.back() == '\r') line.pop_back();
  std::replace(line.begin(), line.end(), '\t', ' ');
  const std::size_t harmless = end_of_harmless(line);
  const bool cut_secret = harmless < line.size();
  line.resize(harmless);
  hide_user_information(line);
  hide_long_runs(line);

  std::size_t at = std::min(column == 0 ? 0 : column - 1, line.size());
  Excerpt excerpt;
  if (at > kMaxShown / 2 && characters(line) > kMaxShown) {
    const std::size_t from = at - kMaxShown / 2;
    line = line.substr(from);
    at -= from;
    while (!line.empty() && (static_cast<unsigned char>(line[0]) & 0xC0) == 0x80) {
      line.erase(0, 1);  // not in the middle of a character
      --at;
    }
    excerpt.line = "\xE2\x80\xA6";
    excerpt.caret = 1;
  }
  excerpt.caret += characters(printable(std::string_view(line).substr(0, at), 4 * kMaxShown));
  excerpt.line += printable(line, kMaxShown);
  if (cut_secret) excerpt.line += " (not shown)";
  return excerpt;
}

void DiagnosticPrinter::print(const Diagnostics& diagnostics) {
  std::vector<std::string> order;
  const auto position = [&](const std::string& file) {
    const auto found = std::find(order.begin(), order.end(), file);
    if (found == order.end()) order.push_back(file);
    return std::find(order.begin(), order.end(), file) - order.begin();
  };
  std::vector<std::tuple<std::ptrdiff_t, const Diagnostic*>> all;
  for (const Diagnostic& d : diagnostics.all()) all.emplace_back(position(d.place.file), &d);
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    const Place& x = std::get<1>(a)->place;
    const Place& y = std::get<1>(b)->place;
    return std::tuple(std::get<0>(a), x.line, x.column) <
           std::tuple(std::get<0>(b), y.line, y.column);
  });
  for (const auto& [file, diagnostic] : all) print_one(*diagnostic);
}

void DiagnosticPrinter::print_one(const Diagnostic& diagnostic) {
  const Place& place = diagnostic.place;
  if (const std::string where = place.text(); !where.empty())
    *out_ << printable(where, 4096) << ": ";
  *out_ << (diagnostic.error ? "error: " : "warning: ") << diagnostic.message << '\n';
  const auto& lines = lines_of(place.file);
  if (place.line > 0 && place.line <= lines.size()) {
    const Excerpt excerpt = make_excerpt(lines[place.line - 1], place.column);
    const std::string number = std::to_string(place.line);
    *out_ << "  " << number << " | " << excerpt.line << '\n';
    *out_ << "  " << std::string(number.size(), ' ') << " | " << std::string(excerpt.caret, ' ')
          << "^\n";
  }
  if (!diagnostic.hint.empty()) *out_ << "  = " << diagnostic.hint << '\n';
}

const std::vector<std::string>& DiagnosticPrinter::lines_of(const std::string& file) {
  const auto [found, fresh] = files_.try_emplace(file);
  if (fresh && !file.empty()) {
    if (const auto text = read_file(file, kMaxFile)) {
      std::string_view body = *text;
      if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
      for (const std::string_view line : split(body, '\n')) found->second.emplace_back(line);
    }
  }
  return found->second;
}

}  // namespace davy::cli
