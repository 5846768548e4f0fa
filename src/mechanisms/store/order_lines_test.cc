#include "mechanisms/store/order_lines.h"

#include <gtest/gtest.h>

#include <string>

#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;

std::string without_lf(std::string line) {
  EXPECT_TRUE(line.ends_with('\n'));
  line.pop_back();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  return line;
}

TEST(OrderLines, OrderGoesThereAndComesOut) {
  const std::string line = must(order_line("key.create", "{\"experiment\": \"a\\nb\"}"));
  const OrderLine order = must(parse_order_line(without_lf(line)));
  EXPECT_EQ(order.verb, "key.create");
  EXPECT_EQ(order.arguments, R"({"experiment":"a\nb"})");
}

TEST(OrderLines, WhatIsNoOrderIsRefusedWithAReason) {
  const std::string deep =
      R"({"verb":"a","arguments":{"a":)" + std::string(40, '[') + std::string(40, ']') + "}}";
  for (const std::string& line :
       {std::string(), std::string("{}"), std::string("[]"), std::string("null"),
        std::string(R"({"verb":"a"})"), std::string(R"({"verb":"a","arguments":[]})"),
        std::string(R"({"verb":"","arguments":{}})"),
        std::string(R"({"verb":".a","arguments":{}})"),
        std::string(R"({"verb":"A","arguments":{}})"), std::string(R"({"verb":7,"arguments":{}})"),
        std::string(R"({"verb":"a","arguments":{},"actor":"root"})"),
        std::string(R"({"verb":"a","arguments":{}} x)"),
        std::string("{\"verb\":\"a\",\"arguments\":{\"x\":\"\xff\"}}"),
        std::string(R"({"verb":"a","arguments":{"x":[1e309]}})"),
        R"({"verb":")" + std::string(65, 'a') + R"(","arguments":{}})", deep}) {
    const auto order = parse_order_line(line);
    ASSERT_FALSE(order.ok()) << line;
    EXPECT_EQ(order.error().kind, ErrorKind::invalid_input) << line;
    EXPECT_FALSE(order.error().message.empty());
  }
  EXPECT_EQ(parse_order_line(std::string(kMaxOrderLine, ' ')).error().kind, ErrorKind::limit);
  EXPECT_FALSE(order_line("key.create", "nonsense").ok());
  EXPECT_FALSE(order_line("key create", "{}").ok());
}

TEST(OrderLines, AnswersCarryResultsAndErrorsWhole) {
  EXPECT_EQ(must(parse_answer_line(without_lf(answer_line(std::string(R"({"a": 1})"))))),
            R"({"a":1})");
  const auto error = parse_answer_line(
      without_lf(answer_line(limit_reached("too \"much\"\n", {"f", 3, 4}, "do less"))));
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().kind, ErrorKind::limit);
  EXPECT_EQ(error.error().message, "too \"much\"\n");
  EXPECT_EQ(error.error().place.text(), "f:3:4");
  EXPECT_EQ(error.error().hint, "do less");
}

TEST(OrderLines, AnswerThatIsNeitherIsAnError) {
  for (const char* line : {"", "{}", "[]", R"({"ok":1})", R"({"error":"x"})"}) {
    EXPECT_FALSE(parse_answer_line(line).ok()) << line;
  }
  EXPECT_FALSE(parse_answer_line(without_lf(answer_line(std::string("no JSON")))).ok());
  EXPECT_FALSE(parse_answer_line(without_lf(answer_line(internal_error("bad \xff byte")))).ok());
}

}  // namespace
}  // namespace davy::store
