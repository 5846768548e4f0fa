#include "base/file_watch.h"

#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <set>
#include <utility>

namespace davy {
namespace {

thread_local ReadTrail* current_trail = nullptr;

// Of a folder: what makes an entry lead elsewhere, or the folder itself go. Not IN_MODIFY:
// a file that is being written is not finished.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF;

std::int64_t nanoseconds(const timespec& time) noexcept {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

// Where the path leads, without links; empty if nowhere.
std::string target_of(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  return ::realpath(path.c_str(), real.data()) != nullptr ? real.data() : "";
}

}  // namespace

FileMark mark_of(const std::string& path) noexcept {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {.there = true,
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

ReadTrail::ReadTrail() noexcept : outer_(std::exchange(current_trail, this)) {}

ReadTrail::~ReadTrail() { current_trail = outer_; }

void ReadTrail::note(const std::string& path) {
  if (current_trail == nullptr) return;
  const FileMark mark = mark_of(path);
  for (ReadTrail* trail = current_trail; trail != nullptr; trail = trail->outer_) {
    trail->marks_.emplace(path, mark);
  }
}

FileWatch::FileWatch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

void FileWatch::expect(FileMarks marks) {
  expected_ = std::move(marks);
  settling_ = false;
  watch_folders();
}

void FileWatch::watch_folders() {
  if (!inotify_.valid()) return;
  std::set<std::string> wanted;
  for (const auto& [path, mark] : expected_) {
    wanted.insert(parent_folder(path));
    if (const std::string target = target_of(path); !target.empty()) {
      wanted.insert(parent_folder(target));
    }
  }
  std::map<std::string, int> folders;
  std::set<int> used;
  for (const std::string& folder : wanted) {
    // Again for one that is watched: the name may lead to another folder by now.
    const int watch = ::inotify_add_watch(inotify_.get(), folder.c_str(), kEvents | IN_ONLYDIR);
    if (watch < 0) continue;
    folders.emplace(folder, watch);
    used.insert(watch);
  }
  for (const auto& [folder, watch] : folders_) {
    if (!used.contains(watch)) (void)::inotify_rm_watch(inotify_.get(), watch);
  }
  folders_ = std::move(folders);
}

void FileWatch::drain() noexcept {
  if (!inotify_.valid()) return;
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
}

bool FileWatch::changed(SteadyTime now) {
  drain();
  FileMarks marks;
  for (const auto& [path, mark] : expected_) marks.emplace(path, mark_of(path));
  if (marks == expected_) {
    settling_ = false;
    watch_folders();
    return false;
  }
  if (!settling_) first_ = now;
  if (!settling_ || marks != seen_) {
    settling_ = true;
    seen_ = std::move(marks);
    last_ = now;
  }
  if (now - last_ < kSettle && now - first_ < kMostSettle) return false;
  what_.clear();
  for (const auto& [path, mark] : seen_) {
    if (mark != expected_.at(path)) what_.push_back(path);
  }
  settling_ = false;
  return true;
}

}  // namespace davy
