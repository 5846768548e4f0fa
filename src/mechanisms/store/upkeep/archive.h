// The form of a backup: a plain ustar file (POSIX.1-2017, pax), so that `tar tf` lists it.
//
// The reader is strict, since a backup may come from anywhere: it takes what the writer
// would have written and nothing else. There are no folders, links or attributes in it; a
// name cannot lead anywhere; what one byte could say in two ways is refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace davy::store {

struct ArchiveEntry {
  std::string name;         // 1 to 100 of a-z, 0-9, `.`, `_` and `-`, not beginning with `.`
  std::uint64_t size = 0;   // bytes; below 2^63
  std::uint64_t mtime = 0;  // seconds since 1970; below 2^33
  bool operator==(const ArchiveEntry&) const = default;
};

[[nodiscard]] bool is_entry_name(std::string_view name) noexcept;

using ByteSink = std::function<Result<void>(std::string_view bytes)>;
// Gives at most `size` bytes; 0 only at the end.
using ByteSource = std::function<Result<std::size_t>(char* to, std::size_t size)>;

class ArchiveWriter {
 public:
  explicit ArchiveWriter(ByteSink sink) : sink_(std::move(sink)) {}
  // Each entry is begun, then written whole; a mistake in that is an internal error.
  [[nodiscard]] Result<void> begin(const ArchiveEntry& entry);
  [[nodiscard]] Result<void> write(std::string_view bytes);
  // After the last entry.
  [[nodiscard]] Result<void> finish();

 private:
  [[nodiscard]] Result<void> pad();

  ByteSink sink_;
  std::uint64_t left_ = 0;  // of the entry
  std::size_t padding_ = 0;
};

class ArchiveReader {
 public:
  explicit ArchiveReader(ByteSource source) : source_(std::move(source)) {}
  // The next entry, or nothing at the end of the file. What was not read of the entry before
  // is skipped. An error's text says at which byte.
  [[nodiscard]] Result<std::optional<ArchiveEntry>> next();
  // Bytes of the entry; 0 at its end.
  [[nodiscard]] Result<std::size_t> read(char* to, std::size_t size);

 private:
  static constexpr std::size_t kBlock = 512;
  using Block = std::array<char, kBlock>;

  [[nodiscard]] Result<void> take(char* to, std::size_t size);
  [[nodiscard]] Result<void> skip();
  [[nodiscard]] Result<void> take_end();
  [[nodiscard]] Error refused(std::string_view why) const;

  ByteSource source_;
  std::uint64_t at_ = 0;
  std::uint64_t left_ = 0;
  std::size_t padding_ = 0;
};

}  // namespace davy::store
