#include "mechanisms/formats/artifact_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "core/contract/temporary_file.h"

namespace davy::formats {
namespace {

std::string pattern(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>('a' + i * i % 23);
  return bytes;
}

// Joins the owned parts and checks the context of each window against the whole.
std::string read(const Artifact& artifact, const WindowSizes& sizes, std::string_view whole) {
  std::string joined;
  const auto done = read_windows(artifact, sizes, [&](const Window& window) -> Result<void> {
    EXPECT_EQ(window.bytes, whole.substr(window.offset, window.bytes.size()));
    EXPECT_EQ(window.offset + window.owned.begin, joined.size());
    EXPECT_EQ(window.owned.begin, std::min(joined.size(), sizes.behind));
    joined += slice(window.bytes, window.owned);
    EXPECT_EQ(window.bytes.size() - window.owned.end,
              std::min(whole.size() - joined.size(), sizes.ahead));
    return {};
  });
  EXPECT_TRUE(done) << done.error().text();
  return joined;
}

TEST(ReadWindows, CoversFilesAndBytesAlikeAtEverySize) {
  for (const std::size_t size : {0U, 1U, 9U, 10U, 11U, 99U, 100U, 101U, 1000U}) {
    const std::string bytes = pattern(size);
    const contract::TemporaryFile file(bytes);
    const Fd fd = file.open(O_RDONLY, 3);
    for (const WindowSizes sizes : {WindowSizes{10, 0, 0}, WindowSizes{10, 3, 7},
                                    WindowSizes{10, 25, 31}, WindowSizes{1, 2, 1}}) {
      EXPECT_EQ(read({"file", "f", bytes, -1, size}, sizes, bytes), bytes);
      EXPECT_EQ(read({"file", "f", {}, fd.get(), size}, sizes, bytes), bytes);
    }
  }
}

TEST(ReadWindows, AnErrorOfTheReaderEndsTheReading) {
  int calls = 0;
  const auto done =
      read_windows({"file", "f", "abcdef", -1, 6}, {2, 0, 0}, [&](const Window&) -> Result<void> {
        ++calls;
        return internal_error("enough");
      });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "enough");
  EXPECT_EQ(calls, 1);
}

TEST(ReadWindows, HolesOfATerabyteCostNothing) {
  const contract::TemporaryFile file("begin");
  const Fd fd = file.open(O_RDWR);
  const off_t far = off_t{1} << 40;
  ASSERT_EQ(pwrite(fd.get(), "end", 3, far), 3);
  std::uint64_t end = 0;
  std::string tail;
  const auto done =
      read_windows({"file", "f", {}, fd.get(), 0}, {}, [&](const Window& window) -> Result<void> {
        end = window.offset + window.bytes.size();
        tail = window.bytes.substr(window.bytes.size() - 3);
        return {};
      });
  ASSERT_TRUE(done);
  if (*done > 1U << 20) GTEST_SKIP() << "this file system keeps no holes";
  EXPECT_EQ(end, static_cast<std::uint64_t>(far) + 3);
  EXPECT_EQ(tail, "end");
}

TEST(ReadWindows, AFileThatBecomesShorterIsAnError) {
  const contract::TemporaryFile file(pattern(1000));
  const Fd fd = file.open(O_RDWR);
  const auto done = read_windows({"file", "f", {}, fd.get(), 1000}, {100, 0, 0},
                                 [&](const Window& window) -> Result<void> {
                                   if (window.offset == 200) {
                                     EXPECT_EQ(ftruncate(fd.get(), 10), 0);
                                   }

                                   return {};
                                 });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::unavailable);
}

TEST(ReadWindows, WhatIsAppendedMeanwhileIsNotPartOfIt) {
  const contract::TemporaryFile file(pattern(100));
  const Fd fd = file.open(O_RDWR);
  const auto done = read_windows(
      {"file", "f", {}, fd.get(), 100}, {10, 0, 0}, [&](const Window&) -> Result<void> {
        EXPECT_EQ(pwrite(fd.get(), "more", 4, lseek(fd.get(), 0, SEEK_END)), 4);
        return {};
      });
  ASSERT_TRUE(done);
  EXPECT_EQ(*done, 100U);
}

TEST(ReadWindows, AFileThatMayNotBeReadIsAnError) {
  const contract::TemporaryFile file("x");
  const Fd fd = file.open(O_WRONLY);
  EXPECT_FALSE(read_windows({"file", "f", {}, fd.get(), 1}, {},
                            [](const Window&) -> Result<void> { return {}; }));
}

}  // namespace
}  // namespace davy::formats
