#include "mechanisms/text/literal_database.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace davy::text {
namespace {

using Hits = std::vector<std::pair<std::size_t, std::size_t>>;

Hits search(const LiteralDatabase& database, std::string_view text, Scratch& scratch) {
  Hits hits;
  const auto done = database.search(text, scratch, [&](std::size_t index, std::size_t end) {
    hits.emplace_back(end, index);
    return true;
  });
  EXPECT_TRUE(done);
  std::sort(hits.begin(), hits.end());
  return hits;
}

Hits naive(const std::vector<Literal>& literals, std::string_view text) {
  Hits hits;
  for (std::size_t i = 0; i < literals.size(); ++i) {
    const std::string& bytes = literals[i].bytes;
    for (std::size_t at = text.find(bytes); at != std::string_view::npos;
         at = text.find(bytes, at + 1)) {
      hits.emplace_back(at + bytes.size(), i);
    }
  }
  std::sort(hits.begin(), hits.end());
  return hits;
}

TEST(LiteralDatabase, FindsWhatASearchOneByOneFinds) {
  const std::vector<Literal> literals = {
      {"a"}, {"ab"}, {"aba"}, {"b a"}, {"abab"}, {std::string("a\0b", 3)}, {"\xC3\xA9"}};
  const auto database = LiteralDatabase::compile(literals);
  ASSERT_TRUE(database);
  Scratch scratch;
  std::mt19937 random(3);
  const char alphabet[] = {'a', 'b', ' ', '\0', '\xC3', '\xA9'};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (unsigned i = 0; i < random() % 40; ++i) text += alphabet[random() % sizeof alphabet];
    ASSERT_EQ(search(*database, text, scratch), naive(literals, text)) << "round " << round;
  }
}

TEST(LiteralDatabase, AnyCaseIsForTheLiteralsThatAskForIt) {
  const auto database = LiteralDatabase::compile(std::vector<Literal>{{"Key", true}, {"Pem"}});
  ASSERT_TRUE(database);
  Scratch scratch;
  EXPECT_EQ(search(*database, "KEY PEM key Pem", scratch), (Hits{{3, 0}, {11, 0}, {15, 1}}));
}

TEST(LiteralDatabase, StopsWhenToldTo) {
  const auto database = LiteralDatabase::compile(std::vector<Literal>{{"x"}});
  ASSERT_TRUE(database);
  Scratch scratch;
  int calls = 0;
  EXPECT_TRUE(
      database->search("xxxxx", scratch, [&](std::size_t, std::size_t) { return ++calls < 2; }));
  EXPECT_EQ(calls, 2);
}

TEST(LiteralDatabase, OneScratchServesManyDatabases) {
  Scratch scratch;
  for (int i = 0; i < 100; ++i) {
    const std::string word = "word" + std::to_string(i);
    const auto database = LiteralDatabase::compile(std::vector<Literal>{{word}});
    ASSERT_TRUE(database);
    EXPECT_EQ(search(*database, "a " + word, scratch).size(), 1U);
  }
}

TEST(LiteralDatabase, RefusesAnEmptyLiteralAndAnEmptyList) {
  EXPECT_FALSE(LiteralDatabase::compile({}));
  EXPECT_FALSE(LiteralDatabase::compile(std::vector<Literal>{{"a"}, {""}}));
}

}  // namespace
}  // namespace davy::text
