#include "surfaces/cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace davy::cli {
namespace {

std::string shown(const Table& table, std::size_t width = kLineWidth) {
  std::ostringstream out;
  table.write(out, width);
  return out.str();
}

TEST(Table, AlignsColumnsByCharactersNotBytes) {
  Table table({"NAME", "TEXT"});
  table.add({"\xC3\xBC\xC3\xBC", "x"});
  table.add({"longer", "y"});
  EXPECT_EQ(shown(table), "NAME    TEXT\n\xC3\xBC\xC3\xBC      x\nlonger  y\n");
}

TEST(Table, CutsTheLastColumnToTheWidthAndSaysSo) {
  Table table({"A", "B"});
  table.add({"1", std::string(50, 'x')});
  EXPECT_EQ(shown(table, 30), "A  B\n1  " + std::string(26, 'x') + "\xE2\x80\xA6\n");
  EXPECT_EQ(shown(table, 1), "A  B\n1  " + std::string(19, 'x') + "\xE2\x80\xA6\n");
}

TEST(Table, CutsOtherColumnsToo) {
  Table table({"A", "B"});
  table.add({std::string(60, 'x'), "y"});
  EXPECT_NE(shown(table).find(std::string(47, 'x') + "\xE2\x80\xA6  y\n"), std::string::npos);
}

TEST(Table, ShowsNothingThatATerminalWouldObey) {
  Table table({"A", "B"});
  table.add({"x\x1b[31my", "\xE2\x80\xAE\xFF\n"});
  const std::string text = shown(table);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find("\xE2\x80\xAE"), std::string::npos);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(Table, LeavesNoSpacesAtTheEndOfARow) {
  Table table({"A", "B"});
  table.add({"1", ""});
  EXPECT_EQ(shown(table), "A  B\n1\n");
}

TEST(Wrapped, BreaksAtSpaces) {
  EXPECT_EQ(wrapped("aa bb cc", 2, 7), "  aa bb\n  cc\n");
  EXPECT_EQ(wrapped("aa bb", 0, 5), "aa bb\n");
  EXPECT_EQ(wrapped("aaaaaaaa b", 1, 4), " aaaaaaaa\n b\n");
  EXPECT_EQ(wrapped("", 2, 7), "  \n");
}

}  // namespace
}  // namespace davy::cli
