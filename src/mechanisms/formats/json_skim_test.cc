#include "mechanisms/formats/json_skim.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace davy::json {
namespace {

// `a` and the elements of `b` of an object.
struct Seen {
  std::vector<std::string> keys;
  std::vector<std::string> scalars;
  bool done = false;
};

Seen look(std::string_view text) {
  Seen seen;
  Skim skim(text);
  if (skim.enter_object()) {
    for (std::string_view key; skim.next_member(key);) {
      seen.keys.emplace_back(key);
      if (skim.enter_array()) {
        while (skim.next_element()) {
          const auto scalar = skim.scalar();
          if (scalar) seen.scalars.emplace_back(*scalar);
          if (!scalar) skim.skip();
        }
      } else {
        skim.skip();
      }
    }
  }
  seen.done = skim.done();
  return seen;
}

TEST(JsonSkim, FindsScalarsAndSkipsTheRest) {
  const Seen seen = look(
      " { \"a\" : {\"x\":[1,{\"]\":\"}\\\"\"}]} ,\"b\":[ 1 , \"tw\\\"o\" ,{},[ ],null,true],"
      "\"c\":\"\"}\n");
  EXPECT_TRUE(seen.done);
  EXPECT_EQ(seen.keys, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(seen.scalars, (std::vector<std::string>{"1", "tw\\\"o", "null", "true"}));
}

TEST(JsonSkim, TakesEmptyContainers) {
  EXPECT_TRUE(look("{}").done);
  EXPECT_TRUE(look("{ }").done);
  EXPECT_TRUE(look(R"({"b":[]})").done);
}

TEST(JsonSkim, IsNotDoneWithWhatItDoesNotUnderstand) {
  for (const std::string_view text : {"",           "{",
                                      "{\"",        "{\"a",
                                      "{\"a\\",     "{\"a\"",
                                      "{\"a\":",    "{\"a\":1",
                                      "{\"a\":1,",  "{\"a\":1,}",
                                      "{a:1}",      "{\"a\":1 \"b\":2}",
                                      "{\"a\" 1}",  "{\"a\":[1 2]}",
                                      "{\"a\":[}",  "{\"a\":{\"b\":1",
                                      "{\"a\":\"x", "{\"\\u0061\":1}",
                                      "{} x",       "{\"b\":[,]}"}) {
    EXPECT_FALSE(look(text).done) << text;
  }
}

TEST(JsonSkim, TakesWhiteSpaceAfterTheValue) {
  Skim skim(" 0 \n");
  skim.skip();
  EXPECT_TRUE(skim.done());
}

TEST(JsonSkim, ReadsWholeNumbersAlone) {
  const auto number = [](std::string_view text) { return Skim(text).whole_number(); };
  EXPECT_EQ(number("17"), 17U);
  EXPECT_EQ(number("18446744073709551615 "), 18446744073709551615U);
  for (const std::string_view text :
       {"18446744073709551616", "1.5", "1e3", "-1", "\"1\"", "null", "{\"a\":1}", ""}) {
    EXPECT_FALSE(number(text)) << text;
  }
}

TEST(JsonSkim, AFailEndsIt) {
  Skim skim(R"({"a":1,"b":2})");
  ASSERT_TRUE(skim.enter_object());
  std::string_view key;
  ASSERT_TRUE(skim.next_member(key));
  skim.skip();
  skim.fail();
  EXPECT_FALSE(skim.next_member(key));
  EXPECT_FALSE(skim.done());
}

}  // namespace
}  // namespace davy::json
