#include "base/strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/bytes.h"

namespace davy {
namespace {

constexpr std::size_t kEditCut = 64;
constexpr std::string_view kEllipsis = "…";

struct Range {
  char32_t first;
  char32_t last;
};

// What a terminal or a reader would not see as text: controls (C1), soft hyphen, zero
// width, bidirectional controls (UAX #9), line separators, tags.
constexpr std::array<Range, 11> kHidden{{{0x0080, 0x009F},
                                         {0x00AD, 0x00AD},
                                         {0x061C, 0x061C},
                                         {0x180E, 0x180E},
                                         {0x200B, 0x200F},
                                         {0x2028, 0x202E},
                                         {0x2060, 0x206F},
                                         {0xFEFF, 0xFEFF},
                                         {0xFFF9, 0xFFFB},
                                         {0xFFFE, 0xFFFF},
                                         {0xE0000, 0xE007F}}};

bool is_hidden(char32_t code_point) noexcept {
  return std::any_of(kHidden.begin(), kHidden.end(), [code_point](Range range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), to_lower);
  return out;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return text.substr(text.size());
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::optional<std::uint64_t> to_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, kEditCut);
  b = b.substr(0, kEditCut);
  // One row of the usual table; `diagonal` is the cell up and to the left.
  std::array<std::size_t, kEditCut + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  std::size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance * 3 > std::min(candidate.size(), kEditCut)) continue;
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

bool matches_glob(std::string_view text, std::string_view pattern) noexcept {
  std::size_t t = 0;
  std::size_t p = 0;
  // After a mismatch only the last star can take one more character: an earlier one
  // could gain nothing that the last one cannot.
  std::size_t star = std::string_view::npos;
  std::size_t taken_until = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken_until = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken_until;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  std::size_t fits_with_ellipsis = 0;
  std::string piece;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code_point = next_code_point(text, at);
    const bool ill_formed = code_point == 0xFFFD && at == begin + 1;
    piece.clear();
    if (ill_formed || code_point < 0x20 || code_point == 0x7F) {
      fmt::format_to(std::back_inserter(piece), "\\x{:02x}",
                     static_cast<unsigned char>(text[begin]));
    } else if (is_hidden(code_point)) {
      fmt::format_to(std::back_inserter(piece), "\\u{{{:04x}}}",
                     static_cast<std::uint32_t>(code_point));
    } else {
      piece = text.substr(begin, at - begin);
    }
    if (out.size() + piece.size() > limit) {
      out.resize(fits_with_ellipsis);
      if (out.size() + kEllipsis.size() <= limit) out += kEllipsis;
      return out;
    }
    out += piece;
    if (out.size() + kEllipsis.size() <= limit) fits_with_ellipsis = out.size();
  }
  return out;
}

}  // namespace davy
