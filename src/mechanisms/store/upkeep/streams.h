// Files that are too large to hold, written and read piece by piece below an open folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"

namespace davy::store {

// A new file with mode 0600 under a name of its own (".davy-….tmp"), which goes away with
// this object unless it was given its name.
class NewFile {
 public:
  // `folder` must outlive it.
  [[nodiscard]] static Result<NewFile> in(const Folder& folder);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  [[nodiscard]] Result<void> write(std::string_view bytes);
  // On disk, and under `name`; invalid input where that is taken.
  [[nodiscard]] Result<void> keep_as(const std::string& name);

  [[nodiscard]] std::string path() const { return resolve(folder_->path(), name_); }

 private:
  NewFile(const Folder& folder, std::string name, Fd fd)
      : folder_(&folder), name_(std::move(name)), fd_(std::move(fd)) {}
  const Folder* folder_;
  std::string name_;
  Fd fd_;
};

// A regular file for reading; a link, a FIFO or a device is an error.
class OldFile {
 public:
  [[nodiscard]] static Result<OldFile> in(const Folder& folder, const std::string& name);
  // As a person named it: links are followed.
  [[nodiscard]] static Result<OldFile> at(const std::string& path);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // when it was opened
  [[nodiscard]] std::uint64_t mtime() const noexcept { return mtime_; }
  // At most `size` bytes; 0 at the end.
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size);
  // The number of bytes up to and with the last line feed of the first size().
  [[nodiscard]] Result<std::uint64_t> whole_lines() const;

 private:
  [[nodiscard]] static Result<OldFile> of(Fd fd, std::string path);
  OldFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
  std::uint64_t size_ = 0;
  std::uint64_t mtime_ = 0;
};

// Bytes that this process may still write where `folder` lies.
[[nodiscard]] Result<std::uint64_t> free_bytes(const Folder& folder);

}  // namespace davy::store
