// A file for one test, gone with the object.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/files.h"

namespace davy::contract {

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content, const std::string& suffix = "") {
    path_ = (std::filesystem::temp_directory_path() / ("davy-contract-XXXXXX" + suffix)).string();
    Fd fd(mkstemps(path_.data(), static_cast<int>(suffix.size())));
    if (!fd.valid() || !write_all(fd.get(), content).ok()) {
      throw std::runtime_error("cannot write a temporary file");
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { unlink(path_.c_str()); }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // With the place set to `offset`.
  [[nodiscard]] Fd open(int flags, off_t offset = 0) const {
    Fd fd(::open(path_.c_str(), flags | O_CLOEXEC));
    if (!fd.valid() || lseek(fd.get(), offset, SEEK_SET) != offset) {
      throw std::runtime_error("cannot open a temporary file");
    }
    return fd;
  }

 private:
  std::string path_;
};

}  // namespace davy::contract
