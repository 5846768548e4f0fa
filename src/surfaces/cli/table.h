// Tables for a terminal: aligned columns, nothing that a terminal would obey.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace davy::cli {

inline constexpr std::size_t kLineWidth = 100;  // characters

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : rows_{std::move(headings)} {}

  // As many cells as there are headings. What no terminal should see is escaped.
  void add(std::vector<std::string> cells);

  // Each column is as wide as its widest cell, but no wider than kMaxColumn; the last
  // takes what is left of `width`, at least kMinLast. Longer cells end in "…". A row has
  // no spaces at its end.
  void write(std::ostream& out, std::size_t width = kLineWidth) const;

  static constexpr std::size_t kMaxColumn = 48;
  static constexpr std::size_t kMinLast = 20;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// How many characters (code points) well-formed UTF-8 has.
[[nodiscard]] std::size_t characters(std::string_view text) noexcept;

// `text` broken at spaces into lines of at most `width` characters, each after `indent`
// spaces; a longer word stands alone. Ends with a newline.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t indent,
                                  std::size_t width = kLineWidth);

}  // namespace davy::cli
