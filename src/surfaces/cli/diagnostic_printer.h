// Mistakes in a configuration as a compiler shows them: place, message, the line with a
// caret, what to do.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"

namespace davy::cli {

// One line of a file, fit to be shown.
struct Excerpt {
  std::string line;
  std::size_t caret = 0;  // characters before the caret
};

// `column` counts bytes from 1. What looks like a credential is left out: all that follows
// a key such as `credential:`, user information in a URL, and long runs that mix letters
// and digits. A long line is cut around the caret.
[[nodiscard]] Excerpt make_excerpt(std::string_view line, std::size_t column);

// Reads the files that places name once each; a file that cannot be read has no excerpts.
class DiagnosticPrinter {
 public:
  explicit DiagnosticPrinter(std::ostream& out) : out_(&out) {}

  // All of them: by file as first met, then by line and column.
  void print(const Diagnostics& diagnostics);

 private:
  void print_one(const Diagnostic& diagnostic);
  [[nodiscard]] const std::vector<std::string>& lines_of(const std::string& file);

  std::ostream* out_;
  std::map<std::string, std::vector<std::string>> files_;
};

}  // namespace davy::cli
