#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file_watch.h"
#include "base/ids.h"
#include "base/strings.h"

namespace davy {
namespace {

constexpr std::size_t kMaxSecretFile = 64 * 1024;
constexpr std::size_t kReadStep = 64 * 1024;
constexpr mode_t kPermissions = 07777;
// A FIFO must not block us, a terminal must not become ours.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kFolderFlags = O_RDONLY | O_CLOEXEC | O_DIRECTORY;

// `doing` is a verb: "read", "create".
Error system_error(std::string_view doing, const std::string& path, int number) {
  const char* const text = strerrordesc_np(number);
  std::string message =
      fmt::format("cannot {}: {}", doing, text != nullptr ? text : "unknown error");
  switch (number) {
    case ENOENT:
      return invalid_input(std::move(message), {path}, "check the path, or create what is missing");
    case EACCES:
    case EPERM:
      return invalid_input(std::move(message), {path},
                           fmt::format("user {} has no permission: change the owner or the mode "
                                       "of the file or of its folder",
                                       geteuid()));
    case ELOOP:
      return invalid_input(fmt::format("cannot {}: a symbolic link is not followed here", doing),
                           {path}, "give the path that it points to");
    case ENOTDIR:
    case EISDIR:
    case ENAMETOOLONG: return invalid_input(std::move(message), {path}, "give another path");
    case EEXIST:
      return invalid_input(std::move(message), {path}, "remove it first, or use another name");
    case EROFS: return invalid_input(std::move(message), {path}, "use a file system for writing");
    case ENOSPC:
    case EDQUOT: return unavailable(std::move(message), {path}, "make room on the disk");
    case EMFILE:
    case ENFILE:
      return unavailable(std::move(message), {path}, "raise the limit of open files: ulimit -n");
    default: return unavailable(std::move(message), {path});
  }
}

Error not_regular(const std::string& path, mode_t mode) {
  std::string_view what = "a special file";
  if (S_ISDIR(mode)) what = "a folder";
  if (S_ISFIFO(mode)) what = "a FIFO";
  if (S_ISSOCK(mode)) what = "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) what = "a device";
  if (S_ISLNK(mode)) what = "a symbolic link";
  return invalid_input(fmt::format("is {}, not a regular file", what), {path},
                       "give a regular file");
}

Error too_large(const std::string& path, std::size_t limit) {
  return limit_reached(fmt::format("larger than {} bytes", limit), {path}, "give a smaller one");
}

// Fd for a result of open(); retries are the caller's.
template <class Open>
Fd open_retrying(Open open_once) {
  for (;;) {
    const int fd = open_once();
    if (fd >= 0 || errno != EINTR) return Fd(fd);
  }
}

// `expected` avoids copies as the text grows; it may be wrong.
Result<std::string> read_until_end(int fd, std::size_t limit, std::size_t expected,
                                   const std::string& path) {
  std::string out;
  std::size_t used = 0;
  out.resize(std::min(expected, limit) + 1);  // one more: the end is seen without growing
  for (;;) {
    const ssize_t got = ::read(fd, out.data() + used, out.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      return system_error("read", path, errno);
    }
    used += static_cast<std::size_t>(got);
    if (used > limit) return too_large(path, limit);
    if (got == 0) break;
    if (used == out.size()) out.resize(used + std::max(kReadStep, used / 2));
  }
  out.resize(used);
  return out;
}

// What `fd` shows itself to be; the error if it is no regular file.
Result<struct stat> regular(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return system_error("examine", path, errno);
  if (!S_ISREG(status.st_mode)) return not_regular(path, status.st_mode);
  return status;
}

Result<std::string> read_regular(int fd, std::size_t limit, const std::string& path) {
  DAVY_ASSIGN(const struct stat status, regular(fd, path));
  const auto size = static_cast<std::size_t>(std::max<off_t>(0, status.st_size));
  if (size > limit) return too_large(path, limit);
  return read_until_end(fd, limit, size, path);
}

Result<Fd> open_to_read(const std::string& path, Links links) {
  if (path.find('\0') != std::string::npos) {
    return invalid_input("a path cannot hold a zero byte", {path.substr(0, path.find('\0'))});
  }
  ReadTrail::note(path);
  const int flags = kReadFlags | (links == Links::refuse ? O_NOFOLLOW : 0);
  Fd fd = open_retrying([&] { return ::open(path.c_str(), flags); });
  if (!fd.valid()) {
    const int number = errno;
    struct stat status {};
    // A socket cannot be opened at all: say what it is rather than ENXIO.
    if (number == ENXIO && stat(path.c_str(), &status) == 0) {
      return not_regular(path, status.st_mode);
    }
    return system_error("open", path, number);
  }
  return fd;
}

Result<void> sync(int fd, const std::string& path) {
  while (fsync(fd) != 0) {
    if (errno != EINTR) return system_error("write to disk", path, errno);
  }
  return {};
}

// The folder that holds the last part of a name, and that part.
struct Leaf {
  Fd owned;  // none where the folder is the one we started from
  int folder = -1;
  std::string name;
  std::string path;  // for errors
};

// `missing` is set where a folder on the way is not there.
Result<Leaf> walk(const Folder& top, std::string_view name, bool* missing = nullptr) {
  Leaf leaf;
  leaf.folder = top.fd();
  leaf.path = resolve(top.path(), name);
  if (name.find('\0') != std::string_view::npos) {
    return invalid_input("a name cannot hold a zero byte", {top.path()});
  }
  const auto parts = split(name, '/');
  for (const std::string_view part : parts) {
    if (part.empty() || part == "." || part == "..") {
      return invalid_input(fmt::format("the name '{}' is refused", printable(name)), {top.path()},
                           "a name here is relative and has no empty part, no '.' and no '..'");
    }
  }
  std::string walked = top.path();
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const std::string part(parts[i]);
    walked = resolve(walked, part);
    Fd next =
        open_retrying([&] { return openat(leaf.folder, part.c_str(), kFolderFlags | O_NOFOLLOW); });
    if (!next.valid()) {
      int number = errno;
      struct stat status {};
      // The kernel says ENOTDIR for a link, which would mislead.
      if (number == ENOTDIR &&
          fstatat(leaf.folder, part.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISLNK(status.st_mode)) {
        number = ELOOP;
      }
      if (missing != nullptr) *missing = number == ENOENT;
      return system_error("open folder", walked, number);
    }
    leaf.owned = std::move(next);
    leaf.folder = leaf.owned.get();
  }
  leaf.name = std::string(parts.back());
  return leaf;
}

// A new file beside the leaf with the whole content on disk; removed with this object
// unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const Leaf& leaf)
      : leaf_(leaf), name_(".davy-" + random_base62(16) + ".tmp") {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (there_) unlinkat(leaf_.folder, name_.c_str(), 0);
  }

  Result<void> fill(std::string_view content, mode_t mode) {
    const Fd fd = open_retrying([&] {
      return openat(leaf_.folder, name_.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    });
    if (!fd.valid()) return system_error("create a file beside", leaf_.path, errno);
    there_ = true;
    // fchmod and not the mode of openat: the umask has no say.
    if (fchmod(fd.get(), mode & kPermissions) != 0) {
      return system_error("set the mode of", leaf_.path, errno);
    }
    if (auto written = write_all(fd.get(), content); !written) {
      Error error = std::move(written).error();
      error.place.file = leaf_.path;
      return error;
    }
    return sync(fd.get(), leaf_.path);
  }

  Result<void> rename() {
    if (renameat(leaf_.folder, name_.c_str(), leaf_.folder, leaf_.name.c_str()) != 0) {
      return system_error("replace", leaf_.path, errno);
    }
    there_ = false;
    return sync(leaf_.folder, leaf_.path);
  }

  // Fails where the name is taken.
  Result<void> link() const {
    if (linkat(leaf_.folder, name_.c_str(), leaf_.folder, leaf_.name.c_str(), 0) != 0) {
      return system_error("create", leaf_.path, errno);
    }
    return sync(leaf_.folder, leaf_.path);
  }

 private:
  const Leaf& leaf_;
  std::string name_;
  bool there_ = false;
};

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

int Fd::release() noexcept { return std::exchange(fd_, -1); }

Result<Folder> Folder::open(const std::string& path) {
  Fd fd = open_retrying([&] { return ::open(path.c_str(), kFolderFlags); });
  if (!fd.valid()) return system_error("open folder", path, errno);
  return Folder(path, std::move(fd));
}

Result<Folder> Folder::open_or_create(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("create folder", path, errno);
  }
  return open(path);
}

Result<std::string> Folder::read(std::string_view name, std::size_t limit) const {
  DAVY_ASSIGN(const Leaf leaf, walk(*this, name));
  const Fd fd = open_retrying(
      [&] { return openat(leaf.folder, leaf.name.c_str(), kReadFlags | O_NOFOLLOW); });
  if (!fd.valid()) return system_error("open", leaf.path, errno);
  return read_regular(fd.get(), limit, leaf.path);
}

Result<void> Folder::write(std::string_view name, std::string_view content, mode_t mode) const {
  DAVY_ASSIGN(const Leaf leaf, walk(*this, name));
  struct stat status {};
  // rename() would silently put a file in the place of a link or a FIFO.
  if (fstatat(leaf.folder, leaf.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      !S_ISREG(status.st_mode)) {
    return not_regular(leaf.path, status.st_mode);
  }
  TemporaryFile file(leaf);
  DAVY_TRY(file.fill(content, mode));
  return file.rename();
}

Result<void> Folder::create(std::string_view name, std::string_view content, mode_t mode) const {
  DAVY_ASSIGN(const Leaf leaf, walk(*this, name));
  TemporaryFile file(leaf);
  DAVY_TRY(file.fill(content, mode));
  return file.link();
}

Result<bool> Folder::exists(std::string_view name) const {
  bool missing = false;
  auto leaf = walk(*this, name, &missing);
  if (missing) return false;
  if (!leaf) return std::move(leaf).error();
  struct stat status {};
  if (fstatat(leaf->folder, leaf->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return system_error("examine", leaf->path, errno);
}

Result<Fd> Folder::open_append(std::string_view name, mode_t mode) const {
  DAVY_ASSIGN(const Leaf leaf, walk(*this, name));
  Fd fd = open_retrying([&] {
    return openat(leaf.folder, leaf.name.c_str(),
                  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                  mode & kPermissions);
  });
  if (!fd.valid()) {
    const int number = errno;
    struct stat status {};
    // ENXIO: a FIFO that nobody reads, or a socket.
    if (number == ENXIO &&
        fstatat(leaf.folder, leaf.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
      return not_regular(leaf.path, status.st_mode);
    }
    return system_error("open for appending", leaf.path, number);
  }
  DAVY_TRY(regular(fd.get(), leaf.path));
  DAVY_TRY(sync(leaf.folder, leaf.path));
  return fd;
}

Result<void> Folder::make_folder(std::string_view name, mode_t mode) const {
  DAVY_ASSIGN(const Leaf leaf, walk(*this, name));
  if (mkdirat(leaf.folder, leaf.name.c_str(), mode & kPermissions) == 0) {
    return sync(leaf.folder, leaf.path);
  }
  const int number = errno;
  struct stat status {};
  if (number == EEXIST &&
      fstatat(leaf.folder, leaf.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(status.st_mode)) {
    return {};
  }
  return system_error("create folder", leaf.path, number);
}

Result<std::string> read_file(const std::string& path, std::size_t limit, Links links) {
  DAVY_ASSIGN(const Fd fd, open_to_read(path, links));
  return read_regular(fd.get(), limit, path);
}

Result<std::string> read_secret_file(const std::string& path) {
  DAVY_ASSIGN(const Fd fd, open_to_read(path, Links::follow));
  DAVY_ASSIGN(const struct stat status, regular(fd.get(), path));
  if ((status.st_mode & (S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH)) != 0) {
    return invalid_input(fmt::format("holds a secret, but its mode {:04o} lets others at it",
                                     static_cast<unsigned>(status.st_mode & kPermissions)),
                         {path}, fmt::format("chmod 600 {}", path));
  }
  DAVY_ASSIGN(std::string text, read_regular(fd.get(), kMaxSecretFile, path));
  if (text.ends_with('\n')) {
    text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  }
  if (text.empty()) return invalid_input("is empty, but should hold a secret", {path});
  return text;
}

Result<void> write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t done = ::write(fd, data.data(), data.size());
    if (done < 0) {
      if (errno == EINTR) continue;
      return system_error("write", "", errno);
    }
    data.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Result<std::string> read_all(int fd, std::size_t limit) {
  return read_until_end(fd, limit, kReadStep, "");
}

std::string parent_folder(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  const std::size_t last = path.find_last_not_of('/', slash);
  return last == std::string_view::npos ? "/" : std::string(path.substr(0, last + 1));
}

std::string resolve(std::string_view folder, std::string_view path) {
  if (path.starts_with('/') || folder.empty() || folder == ".") return std::string(path);
  std::string out(folder);
  if (!out.ends_with('/')) out += '/';
  out += path;
  return out;
}

}  // namespace davy
