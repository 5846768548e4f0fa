#include "mechanisms/store/home_format.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

TEST(HomeFormatLine, SaysNumberAndOldestReader) {
  EXPECT_EQ(format_line({1, 1}), "davylamp-home 1\n");
  EXPECT_EQ(format_line({1, 0}), "davylamp-home 1\n") << "no davy before it looked";
  EXPECT_EQ(format_line({3, 2}), "davylamp-home 3 readable-by 2\n");
  for (const HomeFormat format : {HomeFormat{1, 1}, HomeFormat{2, 1}, HomeFormat{40, 39}}) {
    EXPECT_EQ(parse_format_line(format_line(format)), format);
  }
  EXPECT_EQ(parse_format_line("davylamp-home 1"), (HomeFormat{1, 1}));
}

TEST(HomeFormatLine, NothingElseIsUnderstood) {
  for (const char* const text :
       {"", "\n", "davylamp-home", "davylamp-home ", "davylamp-home 0", "davylamp-home 01",
        "davylamp-home x", "davylamp-home 1 ", "davylamp-home 1\n\n", "davylamp-home -1",
        "davylamp-home 1 readable-by 1", "davylamp-home 2 readable-by 3",
        "davylamp-home 2 readable-by 0", "davylamp-home 2 readable-by", "davylamp-home 9999999999",
        "other 1", " davylamp-home 1"}) {
    EXPECT_FALSE(parse_format_line(text)) << text;
  }
}

TEST(HomeFormatFile, WhatIsNoHomeHasNone) {
  const testing::TemporaryFolder folder;
  const Folder open = testing::must(Folder::open(folder.path()));
  EXPECT_FALSE(testing::must(read_format(open)));
  std::ofstream(folder.file("state.sqlite"))
      << std::string("SQLite format 3\0", 16) << std::string(52, 'x') << "dave";
  EXPECT_FALSE(testing::must(read_format(open))) << "somebody else's database";
  std::ofstream(folder.file("state.sqlite"))
      << std::string("SQLite format 3\0", 16) << std::string(52, 'x') << "davy";
  EXPECT_EQ(testing::must(read_format(open)), (HomeFormat{0, 0}));
  std::ofstream(folder.file("state.sqlite"), std::ios::trunc);
  EXPECT_FALSE(testing::must(read_format(open))) << "an empty file says nothing";
  std::ofstream(folder.file("state.sqlite-wal")) << "x";
  EXPECT_EQ(testing::must(read_format(open)), (HomeFormat{0, 0})) << "it stands in the log";
  std::ofstream(folder.file("format")) << "?";
  EXPECT_FALSE(read_format(open).ok());
}

}  // namespace
}  // namespace davy::store
