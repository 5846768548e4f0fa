#include "mechanisms/net/http1/parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace davy::http1 {
namespace {

std::vector<std::string> end_to_end(const Fields& fields) {
  std::vector<std::string> names;
  fields.each_end_to_end([&](FieldView field) { names.emplace_back(field.name); });
  return names;
}

TEST(RequestParser, GivesThePartsOfTheHead) {
  const std::string text =
      "POST /v1/chat/completions?x=1&y=?2 HTTP/1.1\r\nHost: api.example.com:8080\r\n"
      "Content-Type:application/json \r\nX-Empty:\r\n\r\nbody";
  RequestParser parser;
  ASSERT_EQ(parser.parse(text), Progress::complete);
  const RequestHead& head = parser.head();
  EXPECT_EQ(head.method(), "POST");
  EXPECT_EQ(head.target(), "/v1/chat/completions?x=1&y=?2");
  EXPECT_EQ(head.path(), "/v1/chat/completions");
  EXPECT_EQ(head.query(), "x=1&y=?2");
  EXPECT_EQ(head.host(), "api.example.com:8080");
  EXPECT_EQ(head.minor_version(), 1);
  EXPECT_EQ(text.substr(head.size()), "body");
  ASSERT_EQ(head.fields().size(), 3U);
  EXPECT_EQ(head.fields()[1], (FieldView{"Content-Type", "application/json"}));
  EXPECT_EQ(head.fields().find("content-TYPE"), "application/json");
  EXPECT_EQ(head.fields().find("x-empty"), "");
  EXPECT_EQ(head.fields().find("x-other"), std::nullopt);
  EXPECT_EQ(head.fields().count("host"), 1U);
}

TEST(RequestParser, TakesPathAndQueryOutOfAUrl) {
  struct Row {
    std::string target, path, query;
  };
  for (const Row& row : {Row{"http://a/x/y?z", "/x/y", "z"}, Row{"HTTPS://A", "/", ""},
                         Row{"http://a?q=/", "/", "q=/"}, Row{"/x?", "/x", ""}}) {
    const std::string text = "GET " + row.target + " HTTP/1.1\r\nHost: a\r\n\r\n";
    RequestParser parser;
    ASSERT_EQ(parser.parse(text), Progress::complete) << row.target;
    EXPECT_EQ(parser.head().path(), row.path) << row.target;
    EXPECT_EQ(parser.head().query(), row.query) << row.target;
  }
}

TEST(RequestParser, FollowsABufferThatMoves) {
  const std::string first = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
  RequestParser parser;
  std::string buffer = first.substr(0, 20);
  ASSERT_EQ(parser.parse(buffer), Progress::need_more);
  std::string moved = first;
  ASSERT_EQ(parser.parse(moved), Progress::complete);
  const std::string again = moved;
  moved.assign(moved.size(), 'x');
  parser.head().rebase(again.data());
  EXPECT_EQ(parser.head().target(), "/a");
  EXPECT_EQ(parser.head().fields().find("host"), "a");
}

TEST(RequestParser, StaysCompleteOrRefusedUntilReset) {
  RequestParser parser;
  const std::string good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  ASSERT_EQ(parser.parse(good), Progress::complete);
  EXPECT_EQ(parser.parse(good + "GARBAGE\n"), Progress::complete);
  parser.reset();
  EXPECT_FALSE(parser.started());
  ASSERT_EQ(parser.parse("(bad"), Progress::refused);
  EXPECT_EQ(parser.parse(good), Progress::refused);
  parser.reset();
  EXPECT_EQ(parser.parse(good), Progress::complete);
  EXPECT_EQ(parser.head().fields().size(), 1U);
}

TEST(RequestParser, NothingOfTheRequestBeforeIsLeft) {
  RequestParser parser;
  ASSERT_EQ(parser.parse("POST /a?b HTTP/1.0\r\nHost: a\r\nConnection: close, x\r\nX: y\r\n"
                         "Content-Length: 4\r\n\r\n"),
            Progress::complete);
  parser.reset();
  const std::string text = "GET / HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n";
  ASSERT_EQ(parser.parse(text), Progress::complete);
  EXPECT_EQ(parser.head().query(), "");
  EXPECT_EQ(parser.head().framing(), (Framing{.body = BodyKind::none, .keep_alive = true}));
  EXPECT_EQ(end_to_end(parser.head().fields()), std::vector<std::string>{"X"});
}

TEST(Fields, OnlyEndToEndFieldsGoOn) {
  const std::string text =
      "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nConnection: x-Secret , keep-alive,TE\r\n"
      "Connection: X-Other\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
      "Proxy-Authorization: Basic x\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: h2c\r\n"
      "X-Secret: 1\r\nx-other: 2\r\nX-Secret-Not: 3\r\nExpect: 100-continue\r\n"
      "Content-Length: 0\r\nAuthorization: Bearer t\r\n\r\n";
  RequestParser parser;
  ASSERT_EQ(parser.parse(text), Progress::complete);
  EXPECT_EQ(end_to_end(parser.head().fields()),
            (std::vector<std::string>{"Accept", "X-Secret-Not", "Authorization"}));
  EXPECT_TRUE(is_hop_by_hop("TRANSFER-encoding"));
  EXPECT_TRUE(is_hop_by_hop("Proxy-Authenticate"));
  EXPECT_FALSE(is_hop_by_hop("Content-Length"));
  EXPECT_FALSE(is_hop_by_hop("X-Upgrade"));
}

TEST(ResponseParser, GivesThePartsOfTheHead) {
  const std::string text = "HTTP/1.1 404 Not  Found\r\nContent-Length: 3\r\n\r\nabc";
  ResponseParser parser;
  ASSERT_EQ(parser.parse(text), Progress::complete);
  EXPECT_EQ(parser.head().status(), 404);
  EXPECT_EQ(parser.head().reason(), "Not  Found");
  EXPECT_FALSE(parser.head().interim());
  EXPECT_EQ(parser.head().framing().content_length, 3U);
  EXPECT_EQ(text.substr(parser.head().size()), "abc");
}

TEST(ResponseParser, RemembersThatTheRequestWasHeadForOneAnswerOnly) {
  const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  ResponseParser parser;
  parser.reset(true);
  ASSERT_EQ(parser.parse(text), Progress::complete);
  EXPECT_TRUE(parser.head().framing().no_body());
  EXPECT_EQ(parser.head().framing().content_length, 3U);
  parser.reset();
  ASSERT_EQ(parser.parse(text), Progress::complete);
  EXPECT_EQ(parser.head().framing().body, BodyKind::length);
}

TEST(RequestParser, RefusesEveryByteThatMayNotStandInAFieldName) {
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const std::string text = std::string("GET / HTTP/1.1\r\nHost: a\r\nA") + c + "B: c\r\n\r\n";
    const bool token =
        (i < 128 && std::isalnum(i)) ||
        (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string::npos);
    RequestParser parser;
    EXPECT_EQ(parser.parse(text) == Progress::complete, token || c == ':') << i;
  }
}

TEST(RequestParser, RefusesEveryControlCharacterAtEveryPlaceOfAValue) {
  const std::string before = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
  for (int i = 0; i < 256; ++i) {
    for (std::size_t at = 0; at < 40; ++at) {
      std::string value(40, 'v');
      value[at] = static_cast<char>(i);
      const bool allowed = i == '\t' || (i >= 0x20 && i != 0x7f);
      RequestParser parser;
      ASSERT_EQ(parser.parse(before + value + "\r\n\r\n") == Progress::complete, allowed)
          << i << " at " << at;
    }
  }
}

TEST(RequestParser, RefusesEveryForbiddenByteAtEveryPlaceOfATarget) {
  for (int i = 0; i < 256; ++i) {
    for (std::size_t at = 1; at < 40; ++at) {
      std::string target = "/" + std::string(39, 't');
      target[at] = static_cast<char>(i);
      RequestParser parser;
      const bool allowed = i > 0x20 && i < 0x7f && i != '#';
      ASSERT_EQ(
          parser.parse("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n") == Progress::complete,
          allowed)
          << i << " at " << at;
    }
  }
}

}  // namespace
}  // namespace davy::http1
