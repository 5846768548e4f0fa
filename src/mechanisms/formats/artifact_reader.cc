#include "mechanisms/formats/artifact_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace davy::formats {
namespace {

std::string reason(int error) { return std::strerror(error); }

// Where the next data begins and ends at or after `at`; nothing when only holes follow. A
// file system that knows no holes has one extent.
std::optional<std::pair<std::uint64_t, std::uint64_t>> next_extent(int fd, std::uint64_t at,
                                                                   std::uint64_t size) {
  if (at >= size) return std::nullopt;
  const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
  if (data < 0) {
    if (errno == ENXIO) return std::nullopt;
    return std::pair(at, size);
  }
  const off_t hole = ::lseek(fd, data, SEEK_HOLE);
  const auto begin = static_cast<std::uint64_t>(data);
  if (begin >= size) return std::nullopt;
  const std::uint64_t end = hole < 0 ? size : std::min(static_cast<std::uint64_t>(hole), size);
  return std::pair(begin, end);
}

Result<void> fill(int fd, std::uint64_t offset, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, to, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unavailable("reading failed: " + reason(errno));
    if (got == 0) return unavailable("the file became shorter while it was read");
    to += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

using Use = std::function<Result<void>(const Window&)>;

Result<void> windows_of_bytes(std::string_view bytes, const WindowSizes& sizes, const Use& use) {
  for (std::size_t at = 0; at < bytes.size(); at += sizes.owned) {
    const std::size_t begin = at - std::min(at, sizes.behind);
    const std::size_t owned = std::min(sizes.owned, bytes.size() - at);
    const std::size_t end = at + owned + std::min(sizes.ahead, bytes.size() - at - owned);
    DAVY_TRY(use({bytes.substr(begin, end - begin), begin, {at - begin, at - begin + owned}}));
  }
  return {};
}

// One extent, [begin, end). The buffer keeps the context behind; each step reads on.
Result<void> windows_of_extent(int fd, std::uint64_t begin, std::uint64_t end,
                               const WindowSizes& sizes, std::vector<char>& buffer,
                               const Use& use) {
  buffer.resize(sizes.behind + sizes.owned + sizes.ahead);
  std::uint64_t base = begin;  // the offset of buffer[0]
  std::size_t held = 0;
  for (std::uint64_t at = begin; at < end; at += sizes.owned) {
    const std::uint64_t keep_from = at - std::min<std::uint64_t>(at - begin, sizes.behind);
    const auto drop = static_cast<std::size_t>(keep_from - base);
    std::memmove(buffer.data(), buffer.data() + drop, held - drop);
    held -= drop;
    base = keep_from;
    const auto before = static_cast<std::size_t>(at - base);
    const auto want = static_cast<std::size_t>(
        std::min<std::uint64_t>(end - base, before + sizes.owned + sizes.ahead));
    DAVY_TRY(fill(fd, base + held, buffer.data() + held, want - held));
    held = want;
    const auto owned = static_cast<std::size_t>(std::min<std::uint64_t>(sizes.owned, end - at));
    DAVY_TRY(use({{buffer.data(), held}, base, {before, before + owned}}));
  }
  return {};
}

}  // namespace

Result<std::uint64_t> read_windows(const Artifact& artifact, const WindowSizes& sizes,
                                   const Use& use) {
  if (sizes.owned == 0) return internal_error("a window must own at least one byte");
  if (artifact.fd < 0) {
    DAVY_TRY(windows_of_bytes(artifact.bytes, sizes, use));
    return std::uint64_t{artifact.bytes.size()};
  }
  struct stat status {};
  if (::fstat(artifact.fd, &status) != 0) return unavailable("fstat failed: " + reason(errno));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::vector<char> buffer;
  std::uint64_t total = 0;
  std::uint64_t at = 0;
  while (const auto extent = next_extent(artifact.fd, at, size)) {
    DAVY_TRY(windows_of_extent(artifact.fd, extent->first, extent->second, sizes, buffer, use));
    total += extent->second - extent->first;
    at = extent->second;
  }
  // Cut at a place where a hole was seen: the end of the data moved under us.
  if (::fstat(artifact.fd, &status) != 0) return unavailable("fstat failed: " + reason(errno));
  if (static_cast<std::uint64_t>(status.st_size) < size) {
    return unavailable("the file became shorter while it was read");
  }
  return total;
}

}  // namespace davy::formats
