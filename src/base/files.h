// Files, opened so that no symbolic link and no special file surprises us.
//
// Errors carry the path and what to do. Nothing here logs.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace davy {

// Owns a file descriptor; -1 = none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int release() noexcept;

 private:
  int fd_ = -1;
};

enum class Links : std::uint8_t { refuse, follow };

// A folder to work in. All names are relative to it, and no name leads out of it:
// each part is opened with openat and O_NOFOLLOW; "..", absolute names and empty
// parts are refused. Thread-safe for reading calls.
class Folder {
 public:
  // The path itself may go through links (the person named it); what is below may not.
  [[nodiscard]] static Result<Folder> open(const std::string& path);
  // Makes it with mode 0700 if it is missing (not its parents).
  [[nodiscard]] static Result<Folder> open_or_create(const std::string& path);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  // A regular file, whole; larger than `limit` bytes is an error of kind limit. A FIFO,
  // device or folder is an error, and opening one does not block.
  [[nodiscard]] Result<std::string> read(std::string_view name, std::size_t limit) const;
  // Replaces the file atomically: a temporary file beside it, fsync, rename, fsync of
  // the folder. A crash leaves the old or the new content (and perhaps a temporary file
  // ".davy-*.tmp"). The mode is exact: the umask has no say. What is there and is no
  // regular file stays, and is an error.
  [[nodiscard]] Result<void> write(std::string_view name, std::string_view content,
                                   mode_t mode) const;
  // Makes the file with this exact mode, whole or not at all, or fails with
  // invalid_input if something of that name is there.
  [[nodiscard]] Result<void> create(std::string_view name, std::string_view content,
                                    mode_t mode) const;
  // Whether anything of that name is there, a link included (which is not followed).
  [[nodiscard]] Result<bool> exists(std::string_view name) const;
  // A regular file for appending, created with `mode` (less the umask) if missing.
  [[nodiscard]] Result<Fd> open_append(std::string_view name, mode_t mode) const;
  // The last part of `name`, with `mode` less the umask; a folder that is there is fine.
  [[nodiscard]] Result<void> make_folder(std::string_view name, mode_t mode) const;

 private:
  Folder(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  Fd fd_;
};

// A regular file that a person named, whole. Links in the path are followed unless
// `links` refuses the last part; a FIFO, device or folder is an error, and opening
// one does not block. "-" is not special here.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit,
                                            Links links = Links::follow);

// A file with a secret: as read_file, links followed (Kubernetes mounts secrets through
// them), at most 64 KiB; group or others able to read or write it is an error that says
// which chmod mends it. One trailing newline (LF or CR LF) is taken off; nothing left
// is an error.
[[nodiscard]] Result<std::string> read_secret_file(const std::string& path);

// All of `data`, however often write() stops short or is interrupted. For a blocking
// descriptor.
[[nodiscard]] Result<void> write_all(int fd, std::string_view data);

// All that comes until end of file; more than `limit` is an error of kind limit.
[[nodiscard]] Result<std::string> read_all(int fd, std::size_t limit);

// The folder part of a path, "." where there is none.
[[nodiscard]] std::string parent_folder(std::string_view path);

// `path` itself if absolute, else below `folder`.
[[nodiscard]] std::string resolve(std::string_view folder, std::string_view path);

}  // namespace davy
