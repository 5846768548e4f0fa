#include "surfaces/cli/table.h"

#include <algorithm>
#include <cassert>
#include <ostream>

#include "base/bytes.h"
#include "base/strings.h"

namespace davy::cli {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kCut = "\xE2\x80\xA6";  // an ellipsis
constexpr std::size_t kMaxCellBytes = 2000;

std::string cut(const std::string& text, std::size_t width) {
  if (characters(text) <= width) return text;
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < width; ++i) append_utf8(out, next_code_point(text, at));
  out += kCut;
  return out;
}

}  // namespace

std::size_t characters(std::string_view text) noexcept {
  return code_points_before(text, text.size());
}

void Table::add(std::vector<std::string> cells) {
  assert(cells.size() == rows_.front().size());
  for (std::string& cell : cells) cell = printable(cell, kMaxCellBytes);
  rows_.push_back(std::move(cells));
}

void Table::write(std::ostream& out, std::size_t width) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::min(std::max(widths[i], characters(row[i])), kMaxColumn);
    }
  }
  std::size_t before_last = 0;
  for (std::size_t i = 0; i + 1 < columns; ++i) before_last += widths[i] + kGap.size();
  widths.back() = std::max(width > before_last ? width - before_last : 0, kMinLast);

  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < columns; ++i) {
      const std::string cell = cut(row[i], widths[i]);
      line += cell;
      if (i + 1 == columns) break;
      line.append(widths[i] - characters(cell) + kGap.size(), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  const std::string margin(indent, ' ');
  std::string out;
  std::string line;
  for (const std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (!line.empty() && indent + characters(line) + 1 + characters(word) > width) {
      out += margin + line + '\n';
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  return out + margin + line + '\n';
}

}  // namespace davy::cli
