// Which form a home has: a number in its file `format`, "davylamp-home 2 readable-by 1\n".
//
// A davy writes homes of its own format only; `davy upgrade` takes an older home there. One
// version back can still read what came of it: each format names the oldest davy, by that
// one's own format, that can read it (`davy why`, `davy backup`). Where that is the format
// itself, the file says the number alone.
//
//   0   no file `format`: homes from before there was one
//   1   the first with the file
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"

namespace davy::store {

inline constexpr std::uint32_t kHomeFormat = 1;  // what this davy writes
inline constexpr char kFormatFile[] = "format";

struct HomeFormat {
  std::uint32_t number = kHomeFormat;
  std::uint32_t oldest_reader = kHomeFormat;
  bool operator==(const HomeFormat&) const = default;
};

// With its newline.
[[nodiscard]] std::string format_line(const HomeFormat& format);
// What format_line() writes, and the same without newline; nothing for all else.
[[nodiscard]] std::optional<HomeFormat> parse_format_line(std::string_view line);

// The format of what lies in `folder`: from the file; 0 where there is none but a state
// database of davy's; nothing where this is no home. Invalid input: a file that says
// something else.
[[nodiscard]] Result<std::optional<HomeFormat>> read_format(const Folder& folder);

}  // namespace davy::store
