#include "mechanisms/store/home.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <thread>

#include "base/log.h"
#include "base/strings.h"

namespace davy::store {
namespace {

constexpr std::chrono::milliseconds kLockRetry{20};

Error cannot(std::string_view doing, const std::string& path, int number) {
  return unavailable(fmt::format("cannot {}: {}", doing, strerrordesc_np(number)), {path});
}

struct Close {
  void operator()(DIR* stream) const noexcept { closedir(stream); }
};
using Listing = std::unique_ptr<DIR, Close>;

// Null: errno says why.
Listing list(int folder) noexcept {
  Fd fd(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* const stream = fd.valid() ? fdopendir(fd.get()) : nullptr;
  if (stream != nullptr) (void)fd.release();
  return Listing(stream);
}

Result<struct stat> check_owner(const Folder& folder) {
  struct stat status {};
  if (fstat(folder.fd(), &status) != 0) return cannot("examine", folder.path(), errno);
  if (status.st_uid != geteuid() && geteuid() != 0) {
    return invalid_input(fmt::format("the home belongs to user {}, but davy runs as user {}",
                                     status.st_uid, geteuid()),
                         {folder.path()}, "run davy as its owner, or give another home");
  }
  return status;
}

Result<void> check_mode(const Folder& folder) {
  DAVY_ASSIGN(const struct stat status, check_owner(folder));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return invalid_input(
        fmt::format("the home's mode {:04o} lets others in", status.st_mode & ALLPERMS),
        {folder.path()}, fmt::format("chmod 700 {}", folder.path()));
  }
  return {};
}

Result<void> check_format(const Folder& folder, const HomeFormat& format) {
  if (format.number < kHomeFormat) {
    return invalid_input(fmt::format("the home has format {}, and this davy writes format {}",
                                     format.number, kHomeFormat),
                         {folder.path()},
                         fmt::format("`davy upgrade --dry-run --home {}` says what an upgrade "
                                     "would change",
                                     folder.path()));
  }
  if (format.oldest_reader > kHomeFormat) {
    return invalid_input(fmt::format("the home has format {}; this davy knows formats up to {}",
                                     format.number, kHomeFormat),
                         {folder.path() + "/" + kFormatFile},
                         "use the davy that wrote it, or a newer one");
  }
  return {};
}

// `path` without symbolic links, so that SQLite and the socket meet none on their way.
Result<std::string> canonical(const std::string& path) {
  std::error_code code;
  const std::filesystem::path real = std::filesystem::canonical(path, code);
  if (code) return unavailable(fmt::format("cannot open: {}", code.message()), {path});
  return real.string();
}

Error no_home(const std::string& path) {
  return invalid_input("there is no davylamp home here", {path},
                       "`davy init` makes one; -c FILE or --home DIR names another");
}

pid_t read_pid(int fd) {
  char text[32] = {};
  const ssize_t got = pread(fd, text, sizeof text - 1, 0);
  if (got <= 0) return 0;
  const auto number = to_number(trim(std::string_view(text, static_cast<std::size_t>(got))));
  return number && *number <= static_cast<std::uint64_t>(1) << 30 ? static_cast<pid_t>(*number) : 0;
}

bool lock_now(int fd) {
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

Result<void> check_writable(const Home& home) {
  if (home.format().number == kHomeFormat) return {};
  return invalid_input(
      fmt::format("the home has format {}; this davy, of format {}, may read it and not write it",
                  home.format().number, kHomeFormat),
      {home.path()}, "use the davy that wrote it, or a newer one");
}

}  // namespace

Result<bool> is_vacant(const Folder& folder) {
  const Listing stream = list(folder.fd());
  if (!stream) return cannot("list", folder.path(), errno);
  while (const dirent* const entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    const bool ours = name.starts_with(".davy-") && name.ends_with(".tmp");
    if (name != "." && name != ".." && name != "lost+found" && !ours) return false;
  }
  return true;
}

void give_to_owner(int folder) noexcept {
  struct stat owner {};
  if (geteuid() != 0 || fstat(folder, &owner) != 0 || owner.st_uid == 0) return;
  const Listing stream = list(folder);
  if (!stream) return;
  while (const dirent* const entry = readdir(stream.get())) {
    // Only what is nowhere else: a second name may be of a file that is not the home's.
    const Fd fd(openat(folder, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat file {};
    if (fd.valid() && fstat(fd.get(), &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == 0 &&
        file.st_nlink == 1 && fchown(fd.get(), owner.st_uid, owner.st_gid) != 0) {
      log::warning("a file of the home stays root's, and its owner cannot open it",
                   {{"file", entry->d_name}, {"why", strerrordesc_np(errno)}});
    }
  }
}

Result<Home> Home::open(const std::string& path) {
  DAVY_ASSIGN(Home home, find(path));
  DAVY_TRY(check_mode(home.folder_));
  DAVY_TRY(check_format(home.folder_, home.format_));
  return home;
}

Result<Home> Home::open_for_upgrade(const std::string& path) {
  DAVY_ASSIGN(Home home, find(path));
  DAVY_TRY(check_owner(home.folder_));
  // What a newer davy wrote is no older, whoever may read it.
  const std::uint32_t number = home.format_.number;
  if (number > kHomeFormat) DAVY_TRY(check_format(home.folder_, {number, number}));
  return home;
}

Result<Home> Home::find(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 && errno == ENOENT) return no_home(path);
  DAVY_ASSIGN(const std::string real, canonical(path));
  DAVY_ASSIGN(Folder folder, Folder::open(real));
  DAVY_ASSIGN(const auto format, read_format(folder));
  if (!format) return no_home(real);
  return Home(std::move(folder), *format);
}

Result<Home> Home::open_or_create(const std::string& path) {
  { DAVY_ASSIGN(const Folder named, Folder::open_or_create(path)); }
  DAVY_ASSIGN(const std::string real, canonical(path));
  DAVY_ASSIGN(const Folder folder, Folder::open(real));
  DAVY_ASSIGN(const auto format, read_format(folder));
  if (!format) {
    DAVY_ASSIGN(const bool empty, is_vacant(folder));
    // Another process may have made the home in between.
    DAVY_ASSIGN(const bool meanwhile, folder.exists(kFormatFile));
    if (!empty && !meanwhile) {
      return invalid_input("the folder holds other things and no davylamp home", {real},
                           "give a new or an empty folder as home");
    }
    if (!meanwhile) {
      if (fchmod(folder.fd(), S_IRWXU) != 0) return cannot("set the mode of", real, errno);
      DAVY_TRY(folder.write(kFormatFile, format_line({}), 0600));
    }
  }
  return open(real);
}

Result<HomeLock> HomeLock::take(const Home& home, std::chrono::milliseconds patience) {
  DAVY_TRY(check_writable(home));
  return lock(home, patience);
}

Result<HomeLock> HomeLock::adopt(const Home& home, Fd lock) {
  DAVY_TRY(check_writable(home));
  struct stat given {};
  struct stat there {};
  if (fstat(lock.get(), &given) != 0 ||
      fstatat(home.folder().fd(), kLockFile, &there, AT_SYMLINK_NOFOLLOW) != 0) {
    return cannot("examine", home.file(kLockFile), errno);
  }
  // Locking again what is locked through the same open file changes nothing.
  if (given.st_dev != there.st_dev || given.st_ino != there.st_ino || !lock_now(lock.get())) {
    return invalid_input("what was handed over is not the lock of this home", {home.path()});
  }
  return HomeLock(home, std::move(lock));
}

Result<HomeLock> HomeLock::take_for_upgrade(const Home& home) { return lock(home, {}); }

Result<HomeLock> HomeLock::lock(const Home& home, std::chrono::milliseconds patience) {
  Fd fd(openat(home.folder().fd(), kLockFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return cannot("open", home.file(kLockFile), errno);
  std::chrono::milliseconds waited{0};
  while (!lock_now(fd.get())) {
    if (errno != EWOULDBLOCK) return cannot("lock", home.file(kLockFile), errno);
    if (waited >= patience) {
      const pid_t pid = read_pid(fd.get());
      return unavailable(pid > 0 ? fmt::format("the home is in use by process {}", pid)
                                 : std::string("the home is in use by another process"),
                         {home.path()}, "stop that process, or give another home");
    }
    std::this_thread::sleep_for(kLockRetry);
    waited += kLockRetry;
  }
  HomeLock out(home, std::move(fd));
  DAVY_TRY(out.sign());
  return out;
}

HomeLock::HomeLock(const Home& home, Fd fd) : fd_(std::move(fd)) {
  struct stat folder {};
  if (geteuid() != 0 || fstat(home.folder().fd(), &folder) != 0 || folder.st_uid == 0) return;
  folder_ = Fd(openat(home.folder().fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

HomeLock::~HomeLock() {
  if (folder_.valid() && fd_.valid()) give_to_owner(folder_.get());
}

Result<void> HomeLock::sign() const {
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd_.get(), 0) != 0 ||
      pwrite(fd_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return cannot("write", kLockFile, errno);
  }
  return {};
}

}  // namespace davy::store
