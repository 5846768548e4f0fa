#include "mechanisms/store/upkeep/archive.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace davy::store {
namespace {

std::string archive_of(const std::vector<std::pair<ArchiveEntry, std::string>>& entries) {
  std::string out;
  ArchiveWriter writer([&](std::string_view bytes) -> Result<void> {
    out += bytes;
    return {};
  });
  for (const auto& [entry, content] : entries) {
    EXPECT_TRUE(writer.begin(entry).ok());
    EXPECT_TRUE(writer.write(content).ok());
  }
  EXPECT_TRUE(writer.finish().ok());
  return out;
}

ByteSource source_of(const std::string& bytes) {
  return [&bytes, at = std::size_t{0}](char* to, std::size_t size) mutable -> Result<std::size_t> {
    const std::size_t give = std::min(size, bytes.size() - at);
    std::copy_n(bytes.data() + at, give, to);
    at += give;
    return give;
  };
}

// The error of reading all of it; "" if there is none.
std::string trouble(const std::string& bytes) {
  ArchiveReader reader(source_of(bytes));
  for (;;) {
    const auto entry = reader.next();
    if (!entry) return entry.error().text();
    if (!*entry) return "";
  }
}

const ArchiveEntry kEntry{"events.jsonl", 5, 1'800'000'000};

TEST(Archive, GivesBackWhatWasPutIn) {
  const std::string bytes = archive_of({{kEntry, "12345"}, {{"pepper", 0, 0}, ""}});
  EXPECT_EQ(bytes.size(), 512u * 5);
  ArchiveReader reader(source_of(bytes));
  auto entry = reader.next();
  ASSERT_TRUE(entry.ok() && *entry);
  EXPECT_EQ(**entry, kEntry);
  char content[16];
  EXPECT_EQ(reader.read(content, 16).value(), 5u);
  EXPECT_EQ(std::string(content, 5), "12345");
  EXPECT_EQ(reader.read(content, 16).value(), 0u);
  entry = reader.next();
  ASSERT_TRUE(entry.ok() && *entry);
  EXPECT_EQ((*entry)->name, "pepper");
  entry = reader.next();
  ASSERT_TRUE(entry.ok());
  EXPECT_FALSE(entry->has_value());
}

TEST(Archive, SizesAboveEightGigabytesAreWritten) {
  std::string header;
  ArchiveWriter writer([&](std::string_view bytes) -> Result<void> {
    header += bytes;
    return {};
  });
  const ArchiveEntry large{"events.jsonl", std::uint64_t{1} << 40, 0};
  ASSERT_TRUE(writer.begin(large).ok());
  ArchiveReader reader(source_of(header));
  const auto entry = reader.next();
  ASSERT_TRUE(entry.ok() && *entry);
  EXPECT_EQ(**entry, large);
}

TEST(Archive, NamesThatLeadSomewhereAreNeverWrittenOrRead) {
  for (const char* const name :
       {"", ".", "..", ".hidden", "a/b", "/etc/passwd", "../x", "A", "a b", "a\\b", "a\nb"}) {
    EXPECT_FALSE(is_entry_name(name)) << name;
    ArchiveWriter writer([](std::string_view) -> Result<void> { return {}; });
    EXPECT_FALSE(writer.begin({name, 0, 0}).ok()) << name;
  }
  std::string bytes = archive_of({{kEntry, "12345"}});
  bytes[0] = '/';
  EXPECT_EQ(trouble(bytes),
            "is no backup of davy's, at byte 0: this is not how davy writes an entry");
}

TEST(Archive, EveryChangedByteOfAHeaderIsRefused) {
  const std::string bytes = archive_of({{kEntry, "12345"}});
  ASSERT_EQ(trouble(bytes), "");
  for (std::size_t at = 0; at < 512; ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] + 1);
    EXPECT_NE(trouble(changed), "") << at;
  }
  for (std::size_t at = 512 + 5; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = 'x';
    EXPECT_NE(trouble(changed), "") << at;
  }
}

TEST(Archive, WhatIsCutOffOrHasMoreBehindItIsRefused) {
  const std::string bytes = archive_of({{kEntry, "12345"}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(trouble(bytes.substr(0, size)).find("ends too early"), std::string::npos) << size;
  }
  EXPECT_NE(trouble(bytes + "x").find("behind the end"), std::string::npos);
}

TEST(Archive, AnEntryIsWrittenWholeOrNotAtAll) {
  ArchiveWriter writer([](std::string_view) -> Result<void> { return {}; });
  ASSERT_TRUE(writer.begin(kEntry).ok());
  EXPECT_FALSE(writer.write("123456").ok());
  ASSERT_TRUE(writer.write("1234").ok());
  EXPECT_FALSE(writer.finish().ok());
}

}  // namespace
}  // namespace davy::store
