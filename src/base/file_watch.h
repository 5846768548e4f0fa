// Whether files that were read have changed since.
//
// What was read is noted where it is read (base/files.h), so a module that reads one more
// file of the configuration need not tell anybody. What counts is the mark of a file, not
// what the kernel tells of: inotify(7) only says when to look, and where it says nothing
// (network file systems, a watch that ended with its folder) a look every kPeriod finds the
// change too. A Kubernetes mount swaps a link: the path then leads to another file, which
// has another mark.
//
// A write within the same tick of the file system's clock (some milliseconds) that keeps
// the size looks like no change.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"

namespace davy {

// What a path led to.
struct FileMark {
  bool there = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // mode and owner too
  bool operator==(const FileMark&) const = default;
};
[[nodiscard]] FileMark mark_of(const std::string& path) noexcept;

using FileMarks = std::map<std::string, FileMark>;  // by path, as it was given

// Collects what is read by this thread while it lives, what is not there among it. Trails
// may be nested; each collects what is read within. Of a file that is read twice the first
// mark stays: a change in between is one.
class ReadTrail {
 public:
  ReadTrail() noexcept;
  ~ReadTrail();
  ReadTrail(const ReadTrail&) = delete;
  ReadTrail& operator=(const ReadTrail&) = delete;

  [[nodiscard]] const FileMarks& marks() const noexcept { return marks_; }

  // The path is about to be opened. Called by files.h; and by whoever lists a folder, whose
  // mark changes with its entries.
  static void note(const std::string& path);

 private:
  FileMarks marks_;
  ReadTrail* outer_;
};

// Belongs to one thread.
class FileWatch {
 public:
  // Between two looks without a hint.
  static constexpr std::chrono::milliseconds kPeriod{2000};
  // Files must stand still for so long, since one change is often several writes ...
  static constexpr std::chrono::milliseconds kSettle{250};
  // ... but not for ever.
  static constexpr std::chrono::milliseconds kMostSettle{5000};

  // Without inotify (its instances may be used up) kPeriod has to do.
  FileWatch();

  // What the files were like when they were read. Replaces what was expected before.
  void expect(FileMarks marks);
  // Looks. True when something differs from what is expected and stands still; then the
  // files must be read again and expect() told, whatever came of it.
  [[nodiscard]] bool changed(SteadyTime now);
  // Which, after changed() gave true.
  [[nodiscard]] const std::vector<std::string>& what() const noexcept { return what_; }

  // When this can be read it is time to look; -1 without inotify.
  [[nodiscard]] int fd() const noexcept { return inotify_.get(); }
  // At the latest after this time it is, too.
  [[nodiscard]] std::chrono::milliseconds patience() const noexcept {
    return settling_ ? kSettle / 2 : kPeriod;
  }

 private:
  void drain() noexcept;
  void watch_folders();

  Fd inotify_;
  std::map<std::string, int> folders_;  // watched, with their watch
  FileMarks expected_;
  FileMarks seen_;  // while settling
  std::vector<std::string> what_;
  bool settling_ = false;
  SteadyTime first_;  // when a difference was seen first, and last a new one
  SteadyTime last_;
};

}  // namespace davy
