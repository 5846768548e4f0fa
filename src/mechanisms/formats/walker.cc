#include "mechanisms/formats/walker.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"

namespace davy::formats {
namespace {

// Without O_NONBLOCK a FIFO that took a file's place would block us for ever.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

std::string reason(int error) {
  switch (error) {
    case EACCES:
    case EPERM: return "permission denied";
    case ENOENT: return "it went away";
    case ELOOP: return "symbolic link, not followed";
    case EMFILE:
    case ENFILE: return "too many open files";
    default: return std::strerror(error);
  }
}

std::string_view special(mode_t mode) {
  if (S_ISFIFO(mode)) return "FIFO, not opened";
  if (S_ISSOCK(mode)) return "socket, not opened";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "device, not opened";
  if (S_ISLNK(mode)) return "symbolic link, not followed";
  return "neither file nor folder, not opened";
}

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && bytes >= 1024 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + " " + std::string(kUnits[unit]);
}

// What would have to be read: a file with holes has fewer blocks than its size says.
std::uint64_t data_bytes(const struct stat& status) {
  return std::min(static_cast<std::uint64_t>(status.st_size),
                  static_cast<std::uint64_t>(status.st_blocks) * 512);
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

class Walk {
 public:
  Walk(const WalkLimits& limits, const Clock& clock, const WalkCallbacks& callbacks)
      : limits_(limits), clock_(clock), callbacks_(callbacks) {}

  void file(Fd fd, const struct stat& status, const std::string& name) {
    const std::uint64_t data = data_bytes(status);
    if (data > limits_.file_bytes) {
      skip(name, "larger than " + size_text(limits_.file_bytes), !limits_.size_is_scope, data);
      return;
    }
    if (data > limits_.total_bytes - total_) {
      skip(name, "beyond the total of " + size_text(limits_.total_bytes), !limits_.size_is_scope,
           data);
      return;
    }
    total_ += data;
    Artifact artifact;
    artifact.kind = "file";
    artifact.name = name;
    artifact.fd = fd.get();
    artifact.size = static_cast<std::uint64_t>(status.st_size);
    callbacks_.file(artifact);
  }

  void folder(Fd fd, const std::string& name, std::uint32_t depth) {
    struct statfs system {};
    if (::fstatfs(fd.get(), &system) == 0 &&
        (system.f_type == PROC_SUPER_MAGIC || system.f_type == SYSFS_MAGIC)) {
      // Its files have no size, and some never end.
      skip(name, "a file system of the kernel, not entered", false);
      return;
    }
    std::vector<std::string> names;
    if (!list(fd, name, names)) return;
    std::vector<std::string> folders;
    for (const std::string& entry : names) {
      if (stop(name)) return;
      const std::string path = join(name, entry);
      struct stat status {};
      if (::fstatat(fd.get(), entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        skip(path, reason(errno), errno != ENOENT);
      } else if (S_ISDIR(status.st_mode)) {
        folders.push_back(entry);
      } else if (S_ISREG(status.st_mode)) {
        open_entry(fd.get(), entry, path, depth);
      } else {
        skip(path, std::string(special(status.st_mode)), false);
      }
    }
    names.clear();
    names.shrink_to_fit();
    for (const std::string& entry : folders) {
      if (stop(name)) return;
      const std::string path = join(name, entry);
      if (depth >= limits_.depth) {
        skip(path, "deeper than " + std::to_string(limits_.depth) + " folders", true);
      } else {
        open_entry(fd.get(), entry, path, depth);
      }
    }
  }

 private:
  static std::string join(const std::string& folder, const std::string& entry) {
    return folder.ends_with('/') ? folder + entry : folder + "/" + entry;
  }

  // What was opened is looked at again: it may not be what fstatat saw.
  void open_entry(int folder_fd, const std::string& entry, const std::string& path,
                  std::uint32_t depth) {
    Fd fd(::openat(folder_fd, entry.c_str(), kOpenFlags | O_NOFOLLOW));
    if (!fd.valid()) {
      const int error = errno;
      skip(path, reason(error), error != ENOENT && error != ELOOP);
      return;
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) {
      skip(path, reason(errno), true);
    } else if (S_ISREG(status.st_mode)) {
      file(std::move(fd), status, path);
    } else if (S_ISDIR(status.st_mode)) {
      folder(std::move(fd), path, depth + 1);
    } else {
      skip(path, std::string(special(status.st_mode)), false);
    }
  }

  bool list(const Fd& fd, const std::string& name, std::vector<std::string>& names) {
    // fdopendir takes the descriptor over; the walk needs its own for openat.
    Fd copy(::openat(fd.get(), ".", kOpenFlags | O_DIRECTORY));
    const std::unique_ptr<DIR, CloseDirectory> directory(copy.valid() ? ::fdopendir(copy.get())
                                                                      : nullptr);
    if (directory == nullptr) {
      skip(name, reason(errno), true);
      return false;
    }
    (void)copy.release();
    while (true) {
      errno = 0;
      const dirent* const entry = ::readdir(directory.get());
      if (entry == nullptr) break;
      const std::string_view each(entry->d_name);
      if (each == "." || each == "..") continue;
      if (entries_ >= limits_.entries) {
        skip(name, "more than " + std::to_string(limits_.entries) + " entries", true);
        break;
      }
      ++entries_;
      names.emplace_back(each);
    }
    if (errno != 0) skip(name, reason(errno), true);
    std::sort(names.begin(), names.end());
    return true;
  }

  // Says once that the time is over.
  bool stop(const std::string& where) {
    if (!stopped_ && limits_.deadline && clock_.now().steady >= *limits_.deadline) {
      stopped_ = true;
      skip(where, "out of time: this folder and what follows were not examined", true);
    }
    return stopped_;
  }

  void skip(std::string what, std::string why, bool fatal, std::uint64_t bytes = 0) {
    callbacks_.skipped({std::move(what), std::move(why), fatal}, bytes);
  }

  const WalkLimits& limits_;
  const Clock& clock_;
  const WalkCallbacks& callbacks_;
  std::uint64_t total_ = 0;
  std::uint64_t entries_ = 0;
  bool stopped_ = false;
};

}  // namespace

Result<void> walk(const std::string& path, const WalkLimits& limits, const Clock& clock,
                  const WalkCallbacks& callbacks) {
  const Place place{path};
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) {
      return invalid_input("no such file or folder", place, "check the path");
    }
    return unavailable("cannot be opened: " + reason(error), place);
  }
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    return invalid_input(std::string(special(status.st_mode)), place, "name a file or a folder");
  }
  Fd fd(::open(path.c_str(), kOpenFlags));
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
    return unavailable("cannot be opened: " + reason(errno), place);
  }
  Walk walk(limits, clock, callbacks);
  if (S_ISREG(status.st_mode)) {
    walk.file(std::move(fd), status, path);
  } else if (S_ISDIR(status.st_mode)) {
    walk.folder(std::move(fd), path, 0);
  } else {
    return invalid_input(std::string(special(status.st_mode)), place, "name a file or a folder");
  }
  return {};
}

}  // namespace davy::formats
