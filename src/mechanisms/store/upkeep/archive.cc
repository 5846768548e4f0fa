#include "mechanisms/store/upkeep/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace davy::store {
namespace {

constexpr std::size_t kBlock = 512;
constexpr std::size_t kMaxName = 100;
constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 63) - 1;
constexpr std::uint64_t kMaxTime = (std::uint64_t{1} << 33) - 1;  // eleven octal digits
constexpr std::array<char, 64> kZeroBytes{};
constexpr std::string_view kZeros(kZeroBytes.data(), kZeroBytes.size());

// Where the fields of a header lie.
struct Span {
  std::size_t at;
  std::size_t size;
};
constexpr Span kName{0, 100}, kMode{100, 8}, kUser{108, 8}, kGroup{116, 8}, kSize{124, 12},
    kTime{136, 12}, kSum{148, 8}, kType{156, 1}, kMagic{257, 8};

using Header = std::array<char, kBlock>;

void put(Header& header, Span span, std::string_view text) {
  std::copy_n(text.begin(), std::min(text.size(), span.size), header.begin() + span.at);
}

// Eleven octal digits and a zero byte; above that, GNU's form: 0x80 and big-endian bytes.
void put_number(Header& header, Span span, std::uint64_t number) {
  if (number < std::uint64_t{1} << 33) {
    put(header, span, fmt::format("{:0{}o}", number, span.size - 1));
    return;
  }
  for (std::size_t i = 0; i < 8; ++i) {
    header[span.at + span.size - 1 - i] = static_cast<char>(number >> (8 * i) & 0xFF);
  }
  header[span.at] = static_cast<char>(0x80);
}

std::uint64_t get_number(const Header& header, Span span) {
  std::uint64_t number = 0;
  if (header[span.at] == static_cast<char>(0x80)) {
    for (std::size_t i = 4; i < span.size; ++i) {
      number = number << 8 | static_cast<unsigned char>(header[span.at + i]);
    }
    return number;
  }
  for (std::size_t i = 0; i + 1 < span.size; ++i) {
    number = number << 3 | (static_cast<unsigned char>(header[span.at + i]) & 7U);
  }
  return number;
}

Header header_of(const ArchiveEntry& entry) {
  Header header{};
  put(header, kName, entry.name);
  put(header, kMode, "0000600");
  put(header, kUser, "0000000");
  put(header, kGroup, "0000000");
  put_number(header, kSize, entry.size);
  put_number(header, kTime, entry.mtime);
  put(header, kType, "0");
  put(header, kMagic,
      std::string_view("ustar\0"
                       "00",
                       8));
  put(header, kSum, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(header, kSum, fmt::format("{:06o}", sum));
  header[kSum.at + 6] = '\0';
  return header;
}

bool is_zero(const Header& block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

std::size_t padding_after(std::uint64_t size) {
  return static_cast<std::size_t>((kBlock - size % kBlock) % kBlock);
}

}  // namespace

bool is_entry_name(std::string_view name) noexcept {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<void> ArchiveWriter::begin(const ArchiveEntry& entry) {
  if (!is_entry_name(entry.name) || entry.size > kMaxSize || entry.mtime > kMaxTime) {
    return internal_error("an entry of a backup has no such name, size or time");
  }
  DAVY_TRY(pad());
  left_ = entry.size;
  padding_ = padding_after(entry.size);
  const Header header = header_of(entry);
  return sink_({header.data(), header.size()});
}

Result<void> ArchiveWriter::write(std::string_view bytes) {
  if (bytes.size() > left_) return internal_error("an entry of a backup grew");
  left_ -= bytes.size();
  return sink_(bytes);
}

Result<void> ArchiveWriter::pad() {
  if (left_ != 0) return internal_error("an entry of a backup is not whole");
  for (; padding_ > 0; padding_ -= std::min(padding_, kZeros.size())) {
    DAVY_TRY(sink_(kZeros.substr(0, std::min(padding_, kZeros.size()))));
  }
  return {};
}

Result<void> ArchiveWriter::finish() {
  DAVY_TRY(pad());
  const Header empty{};
  for (int i = 0; i < 2; ++i) DAVY_TRY(sink_({empty.data(), empty.size()}));
  return {};
}

Error ArchiveReader::refused(std::string_view why) const {
  return invalid_input(fmt::format("is no backup of davy's, at byte {}: {}", at_, why));
}

// Exactly `size` bytes.
Result<void> ArchiveReader::take(char* to, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    DAVY_ASSIGN(const std::size_t got, source_(to + done, size - done));
    if (got == 0) {
      at_ += done;
      return refused("it ends too early");
    }
    done += got;
  }
  at_ += size;
  return {};
}

Result<void> ArchiveReader::skip() {
  Block block;
  while (left_ > 0) {
    DAVY_ASSIGN(const std::size_t got, read(block.data(), block.size()));
    if (got == 0) break;
  }
  if (padding_ > 0) {
    Block padding{};
    const std::size_t size = std::exchange(padding_, 0);
    DAVY_TRY(take(padding.data(), size));
    if (!is_zero(padding)) return refused("something stands where nothing may");
  }
  return {};
}

Result<std::size_t> ArchiveReader::read(char* to, std::size_t size) {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, left_));
  if (wanted == 0) return std::size_t{0};
  DAVY_ASSIGN(const std::size_t got, source_(to, wanted));
  if (got == 0) return refused("it ends too early");
  at_ += got;
  left_ -= got;
  return got;
}

// The second empty block, and then nothing.
Result<void> ArchiveReader::take_end() {
  Block block;
  DAVY_TRY(take(block.data(), block.size()));
  if (!is_zero(block)) return refused("something stands behind the end");
  DAVY_ASSIGN(const std::size_t more, source_(block.data(), 1));
  if (more != 0) return refused("something stands behind the end");
  return {};
}

Result<std::optional<ArchiveEntry>> ArchiveReader::next() {
  DAVY_TRY(skip());
  Block block;
  DAVY_TRY(take(block.data(), block.size()));
  if (is_zero(block)) {
    DAVY_TRY(take_end());
    return std::optional<ArchiveEntry>();
  }
  ArchiveEntry entry;
  const std::string_view name(block.data(), kName.size);
  entry.name = std::string(name.substr(0, name.find('\0')));
  entry.size = get_number(block, kSize);
  entry.mtime = get_number(block, kTime);
  if (!is_entry_name(entry.name) || entry.size > kMaxSize || entry.mtime > kMaxTime ||
      header_of(entry) != block) {
    at_ -= kBlock;
    return refused("this is not how davy writes an entry");
  }
  left_ = entry.size;
  padding_ = padding_after(entry.size);
  return std::optional<ArchiveEntry>(std::move(entry));
}

}  // namespace davy::store
