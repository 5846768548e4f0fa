#include "mechanisms/store/upkeep/streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/ids.h"

namespace davy::store {
namespace {

Error cannot(std::string_view doing, const std::string& path, int number) {
  std::string message = fmt::format("cannot {}: {}", doing, strerrordesc_np(number));
  switch (number) {
    case ENOSPC:
    case EDQUOT: return unavailable(std::move(message), {path}, "make room on the disk");
    case ENOENT: return invalid_input(std::move(message), {path}, "check the path");
    case EEXIST:
      return invalid_input(std::move(message), {path}, "remove it first, or use another name");
    case EACCES:
    case EPERM:
      return invalid_input(std::move(message), {path}, "run davy as the owner of the home");
    default: return unavailable(std::move(message), {path});
  }
}

}  // namespace

Result<NewFile> NewFile::in(const Folder& folder) {
  std::string name = ".davy-" + random_base62(16) + ".tmp";
  Fd fd(openat(folder.fd(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
               0600));
  if (!fd.valid()) return cannot("create a file in", folder.path(), errno);
  NewFile file(folder, std::move(name), std::move(fd));
  // The umask has no say.
  if (fchmod(file.fd_.get(), 0600) != 0) return cannot("set the mode of", file.path(), errno);
  return file;
}

NewFile::NewFile(NewFile&& other) noexcept
    : folder_(std::exchange(other.folder_, nullptr)),
      name_(std::move(other.name_)),
      fd_(std::move(other.fd_)) {}

NewFile::~NewFile() {
  if (folder_ != nullptr && fd_.valid()) unlinkat(folder_->fd(), name_.c_str(), 0);
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd_.get(), bytes.data(), bytes.size());
    if (done < 0) {
      if (errno == EINTR) continue;
      return cannot("write", path(), errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Result<void> NewFile::keep_as(const std::string& name) {
  const std::string kept = resolve(folder_->path(), name);
  if (fsync(fd_.get()) != 0) return cannot("write to disk", kept, errno);
  if (linkat(folder_->fd(), name_.c_str(), folder_->fd(), name.c_str(), 0) != 0) {
    return cannot("create", kept, errno);
  }
  unlinkat(folder_->fd(), name_.c_str(), 0);
  fd_ = Fd();
  if (fsync(folder_->fd()) != 0) return cannot("write to disk", kept, errno);
  return {};
}

Result<OldFile> OldFile::in(const Folder& folder, const std::string& name) {
  const std::string path = resolve(folder.path(), name);
  Fd fd(openat(folder.fd(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return cannot("open", path, errno);
  return of(std::move(fd), path);
}

Result<OldFile> OldFile::at(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid()) return cannot("open", path, errno);
  return of(std::move(fd), path);
}

Result<OldFile> OldFile::of(Fd fd, std::string path) {
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return cannot("examine", path, errno);
  if (!S_ISREG(status.st_mode)) return invalid_input("is no regular file", {path});
  OldFile file(std::move(fd), std::move(path));
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  file.mtime_ = static_cast<std::uint64_t>(std::max<time_t>(0, status.st_mtime));
  return file;
}

Result<std::size_t> OldFile::read(char* to, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd_.get(), to, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return cannot("read", path_, errno);
  }
}

Result<std::uint64_t> OldFile::whole_lines() const {
  std::array<char, 64 * 1024> block;
  std::uint64_t end = size_;
  while (end > 0) {
    const std::uint64_t begin = end - std::min<std::uint64_t>(end, block.size());
    const auto size = static_cast<std::size_t>(end - begin);
    if (::pread(fd_.get(), block.data(), size, static_cast<off_t>(begin)) !=
        static_cast<ssize_t>(size)) {
      return cannot("read", path_, errno != 0 ? errno : EIO);
    }
    const auto at = std::string_view(block.data(), size).rfind('\n');
    if (at != std::string_view::npos) return begin + at + 1;
    end = begin;
  }
  return std::uint64_t{0};
}

Result<std::uint64_t> free_bytes(const Folder& folder) {
  struct statvfs status {};
  if (fstatvfs(folder.fd(), &status) != 0) return cannot("examine", folder.path(), errno);
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace davy::store
