#include "mechanisms/store/home_format.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/strings.h"
#include "mechanisms/store/home.h"

namespace davy::store {
namespace {

constexpr std::string_view kBegin = "davylamp-home ";
constexpr std::string_view kReaders = " readable-by ";
constexpr char kStateLog[] = "state.sqlite-wal";
constexpr std::size_t kMaxFile = 256;
constexpr std::uint64_t kMaxNumber = 1'000'000;

// Whether the file begins as an SQLite database of ours does (sqlite.org/fileformat.html,
// 1.3: magic at 0, application id at 68), or does not say yet whose it is because what it will
// say stands in the log beside it. `davy upgrade` looks closer.
bool may_be_state(const Folder& folder) {
  const Fd fd(openat(folder.fd(), kStateFile, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  std::array<char, 72> head{};
  if (!fd.valid()) return false;
  const ssize_t got = ::pread(fd.get(), head.data(), head.size(), 0);
  const std::string_view text(head.data(), head.size());
  if (got == ssize_t{head.size()}) {
    if (!text.starts_with(std::string_view("SQLite format 3\0", 16))) return false;
    if (text.ends_with("davy")) return true;
    if (!text.ends_with(std::string_view("\0\0\0\0", 4))) return false;
  } else if (got != 0) {
    return false;
  }
  return faccessat(folder.fd(), kStateLog, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

std::optional<std::uint32_t> format_number(std::string_view text) {
  const auto number = to_number(text);
  if (!number || *number == 0 || *number > kMaxNumber || text.front() == '0') return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

std::string format_line(const HomeFormat& format) {
  std::string out = fmt::format("{}{}", kBegin, format.number);
  if (format.oldest_reader != 0 && format.oldest_reader != format.number) {
    out += fmt::format("{}{}", kReaders, format.oldest_reader);
  }
  return out + "\n";
}

std::optional<HomeFormat> parse_format_line(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (!line.starts_with(kBegin)) return std::nullopt;
  line.remove_prefix(kBegin.size());
  const auto at = line.find(kReaders);
  const auto number = format_number(line.substr(0, at));
  if (!number) return std::nullopt;
  if (at == std::string_view::npos) return HomeFormat{*number, *number};
  const auto reader = format_number(line.substr(at + kReaders.size()));
  if (!reader || *reader >= *number) return std::nullopt;
  return HomeFormat{*number, *reader};
}

Result<std::optional<HomeFormat>> read_format(const Folder& folder) {
  DAVY_ASSIGN(const bool there, folder.exists(kFormatFile));
  if (!there) {
    if (may_be_state(folder)) return std::optional<HomeFormat>({0, 0});
    return std::optional<HomeFormat>();
  }
  DAVY_ASSIGN(const std::string content, folder.read(kFormatFile, kMaxFile));
  const auto format = parse_format_line(content);
  if (!format) {
    return invalid_input("does not say which format this home has",
                         {folder.path() + "/" + kFormatFile},
                         "restore the home from a backup, or give another one");
  }
  return format;
}

}  // namespace davy::store
