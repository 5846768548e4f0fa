#include "mechanisms/net/http1/write.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mechanisms/net/http1/reader_for_tests.h"

namespace davy::http1 {
namespace {

using for_tests::End;
using for_tests::Kind;

TEST(HeadWriter, WhatIsWrittenIsReadBackTheSame) {
  const std::vector<FieldView> fields = {
      {"Host", "api.example.com"}, {"X-Empty", ""}, {"accept", "a, b;q=0.5\tc"}};
  std::string out = "before";
  ASSERT_TRUE(append_request_head(out, "POST", "/v1/x?y=%20", fields));
  const auto reading = read_whole(Kind::request, out.substr(6), {}, false);
  ASSERT_EQ(reading.messages.size(), 1U);
  EXPECT_EQ(reading.messages[0].start, "POST /v1/x?y=%20 1");
  ASSERT_EQ(reading.messages[0].fields.size(), fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(reading.messages[0].fields[i].first, fields[i].name);
    EXPECT_EQ(reading.messages[0].fields[i].second, fields[i].value);
  }
}

TEST(HeadWriter, ReadThenWrittenThenReadIsTheSame) {
  const std::string text =
      "POST /a?b HTTP/1.1\r\nHost: a\r\nx-Y:  1  \r\nZ: \r\nContent-Length: 2\r\n\r\nok";
  RequestParser parser;
  ASSERT_EQ(parser.parse(text), Progress::complete);
  const RequestHead& head = parser.head();
  const std::vector<FieldView> fields(head.fields().begin(), head.fields().end());
  std::string out;
  ASSERT_TRUE(append_request_head(out, head.method(), head.target(), fields));
  EXPECT_EQ(out, "POST /a?b HTTP/1.1\r\nHost: a\r\nx-Y: 1\r\nZ: \r\nContent-Length: 2\r\n\r\n");
}

TEST(HeadWriter, WritesAnswersWithTheStandardReason) {
  std::string out;
  ASSERT_TRUE(HeadWriter::response(out, 429).field("A", "b").content_length(0).finish());
  EXPECT_EQ(out, "HTTP/1.1 429 Too Many Requests\r\nA: b\r\nContent-Length: 0\r\n\r\n");
  out.clear();
  ASSERT_TRUE(HeadWriter::response(out, 529, "Overloaded").chunked().finish());
  EXPECT_EQ(out, "HTTP/1.1 529 Overloaded\r\nTransfer-Encoding: chunked\r\n\r\n");
  out.clear();
  ASSERT_TRUE(append_response_head(out, 599, {}));
  EXPECT_EQ(out, "HTTP/1.1 599 \r\n\r\n");
  EXPECT_EQ(read_whole(Kind::answer, out, {}, true).end, End::idle);
}

TEST(HeadWriter, RefusesWhatCouldAddALineAndLeavesTheOutputAsItWas) {
  struct Row {
    std::string method, target, name, value;
  };
  const std::string nul("a\0b", 3);
  const Row rows[] = {
      {"GET", "/", "A", "b\r\nX: y"}, {"GET", "/", "A", "b\nX: y"}, {"GET", "/", "A", "b\r"},
      {"GET", "/", "A", nul},         {"GET", "/", "A\r\nB", "c"},  {"GET", "/", "A: b", "c"},
      {"GET", "/", "", "c"},          {"GET", "/", nul, "c"},       {"GET", "/a b", "A", "c"},
      {"GET", "/\r\n", "A", "c"},     {"GET", "/#a", "A", "c"},     {"GET", "", "A", "c"},
      {"GET", "/\xc3\xa9", "A", "c"}, {"G T", "/", "A", "c"},       {"", "/", "A", "c"},
      {"GET\r\n", "/", "A", "c"},
  };
  for (const Row& row : rows) {
    std::string out = "before";
    const FieldView field{row.name, row.value};
    const Result<void> result = append_request_head(out, row.method, row.target, {&field, 1});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::invalid_input);
    EXPECT_EQ(out, "before");
  }
  std::string out;
  EXPECT_FALSE(HeadWriter::response(out, 99).finish());
  EXPECT_FALSE(HeadWriter::response(out, 1000).finish());
  EXPECT_FALSE(HeadWriter::response(out, 200, "OK\r\nA: b").finish());
  EXPECT_EQ(out, "");
}

TEST(HeadWriter, TheFirstBadPartIsNamedAndItsContentIsNot) {
  std::string out;
  const Result<void> result =
      HeadWriter::request(out, "GET", "/").field("A", "sk-secret\n").field("B C", "d").finish();
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().text().find("field value"), std::string::npos);
  EXPECT_EQ(result.error().text().find("sk-secret"), std::string::npos);
}

TEST(Chunks, WhatIsFramedIsReadBackTheSame) {
  std::string out;
  ASSERT_TRUE(HeadWriter::response(out, 200).chunked().finish());
  std::string payload;
  for (const std::size_t size : {1U, 15U, 16U, 255U, 4096U, 70000U}) {
    const std::string data(size, static_cast<char>('a' + size % 26));
    append_chunk(out, data);
    append_chunk(out, "");
    payload += data;
  }
  append_last_chunk(out);
  const auto reading = read_whole(Kind::answer, out, {}, false);
  ASSERT_EQ(reading.messages.size(), 1U);
  EXPECT_EQ(reading.end, End::idle);
  EXPECT_EQ(reading.messages[0].payload, payload);
}

TEST(Chunks, TheSizeLineHoldsTheLargestSize) {
  std::array<char, 18> space;
  EXPECT_EQ(chunk_size_line(space, ~std::uint64_t{0}), "ffffffffffffffff\r\n");
  EXPECT_EQ(chunk_size_line(space, 10), "a\r\n");
}

}  // namespace
}  // namespace davy::http1
