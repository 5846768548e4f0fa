// Oracle: bytes that are read as an archive are what the writer makes of their entries, byte
// for byte, however the reading is split; all else is an error with a text. And what is
// written is read as it was.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mechanisms/store/upkeep/archive.h"

namespace {

using davy::Result;
using davy::store::ArchiveEntry;
using davy::store::ArchiveReader;
using davy::store::ArchiveWriter;

void check(bool holds) {
  if (!holds) std::abort();
}

using Entries = std::vector<std::pair<ArchiveEntry, std::string>>;

// `step`: at most so many bytes a read.
Result<Entries> read(std::string_view bytes, std::size_t step) {
  ArchiveReader reader(
      [&, at = std::size_t{0}](char* to, std::size_t size) mutable -> Result<std::size_t> {
        const std::size_t give = std::min({size, step, bytes.size() - at});
        std::copy_n(bytes.data() + at, give, to);
        at += give;
        return give;
      });
  Entries out;
  for (;;) {
    auto entry = reader.next();
    if (!entry) return std::move(entry).error();
    if (!*entry) return out;
    std::string content;
    char part[97];
    for (;;) {
      auto got = reader.read(part, sizeof part);
      if (!got) return std::move(got).error();
      if (*got == 0) break;
      content.append(part, *got);
    }
    check(content.size() == (*entry)->size);
    out.emplace_back(**entry, std::move(content));
  }
}

std::string write(const Entries& entries) {
  std::string out;
  ArchiveWriter writer([&](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  });
  for (const auto& [entry, content] : entries) {
    check(writer.begin(entry).ok() && writer.write(content).ok());
  }
  check(writer.finish().ok());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(data, data + size);
  const auto whole = read(bytes, 1 << 20);
  const auto split = read(bytes, 7);
  check(whole.ok() == split.ok());
  if (whole) {
    check(*whole == *split);
    check(write(*whole) == bytes);
  } else {
    check(whole.error().text() == split.error().text() && !whole.error().message.empty());
  }
  const Entries one{{{"state.sqlite", bytes.size(), size}, bytes}, {{"x", 0, 0}, ""}};
  const auto again = read(write(one), 1 + size % 600);
  check(again.ok() && *again == one);
  return 0;
}
