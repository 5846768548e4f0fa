#include "mechanisms/dialects/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace davy::dialects {
namespace {

// All events, when the bytes come in pieces of `step`; the rest as the last one.
std::vector<SseEvent> events(std::string_view bytes, std::size_t step = 1000) {
  SseParser parser;
  std::vector<SseEvent> out;
  SseEvent event;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    parser.feed(bytes.substr(at, step));
    for (;;) {
      const auto found = parser.next(event);
      EXPECT_TRUE(found.ok());
      if (!found || !*found) break;
      out.push_back(event);
    }
  }
  const auto rest = parser.rest(event);
  EXPECT_TRUE(rest.ok());
  if (rest && *rest) out.push_back(event);
  return out;
}

std::vector<std::string> data_of(std::string_view bytes) {
  std::vector<std::string> out;
  for (const SseEvent& event : events(bytes)) out.push_back(event.has_data ? event.data : "none");
  return out;
}

using Data = std::vector<std::string>;

TEST(Sse, JoinsDataLinesAndIgnoresOtherFields) {
  EXPECT_EQ(data_of("data: a\n\n"), (Data{"a"}));
  EXPECT_EQ(data_of("data:a\n\ndata:  b\n\n"), (Data{"a", " b"}));
  EXPECT_EQ(data_of("data: a\ndata:b\ndata\n\n"), (Data{"a\nb\n"}));
  EXPECT_EQ(data_of("event: x\nid: 1\nretry: 5\n: comment\ndata: a\n\n"), (Data{"a"}));
  EXPECT_EQ(data_of(": ping\n\n"), (Data{"none"}));
  EXPECT_EQ(data_of("database: a\nDATA: b\n data: c\n\n"), (Data{"none"}));
  EXPECT_EQ(data_of("\n"), (Data{"none"}));
  EXPECT_EQ(data_of(""), (Data{}));
}

TEST(Sse, CountsWhatStandsBesideDataAndIsNotPlain) {
  const auto odd = [](std::string_view bytes) { return events(bytes).at(0).odd_bytes; };
  for (const std::string_view plain :
       {"event: message_start\nid: 7\nretry: 500\ndata: any \xE2\x80\xA8 text\n\n", ": ping\n\n",
        ":\n\n", ":keep-alive\r\n\r\n", ": ping - 2027-03-31 12:00:00.000000+00:00\n\n",
        ": OPENROUTER PROCESSING\n\n", "id: MTIzNDU2Nw==\ndata: a\n\n", "id\n:\nid:\n\n", "\n"}) {
    EXPECT_EQ(odd(plain), plain.starts_with("id\n") ? 2U : 0U) << plain;
  }
  for (const std::string_view separator :
       {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xC2\x85", "\v", "\f", "\x1C", "\x1D", "\x1E"}) {
    const std::string hidden = std::string(separator) + "data: {\"x\":1}";
    for (const char* const field : {": keepalive", "event: ping", "id: 1", "retry: 5", "x: y"}) {
      const std::string line = field + hidden;
      EXPECT_EQ(odd(line + "\n\n"), line.size()) << line;
      EXPECT_EQ(odd("data: a\n" + line + "\n\n"), line.size()) << line;
    }
  }
  EXPECT_EQ(odd("note: a\n\n"), 7U);
  EXPECT_EQ(odd("event: two words\n\n"), 16U);
  EXPECT_EQ(odd(": " + std::string(200, 'a') + "\n\n"), 202U);
}

TEST(Sse, KnowsAllThreeLineEnds) {
  EXPECT_EQ(data_of("data: a\r\n\r\ndata: b\r\n\r\n"), (Data{"a", "b"}));
  EXPECT_EQ(data_of("data: a\r\rdata: b\r\r"), (Data{"a", "b"}));
  EXPECT_EQ(data_of("data: a\n\r\ndata: b\r\n\n"), (Data{"a", "b"}));
  EXPECT_EQ(data_of("data: a\rdata: b\r\n\r\n"), (Data{"a\nb"}));
}

TEST(Sse, DropsOneByteOrderMarkAtTheStart) {
  const auto got = events(
      "\xEF\xBB\xBF"
      "data: a\n\n\xEF\xBB\xBF"
      "data: b\n\n",
      1);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].data, "a");
  EXPECT_EQ(got[0].raw, "data: a\n\n");
  EXPECT_FALSE(got[1].has_data);
}

TEST(Sse, GivesTheSameEventsUnderEverySplitAndLosesNoByte) {
  for (const std::string_view bytes :
       {"data: a\r\n\r\ndata: b\n\n: c\n\ndata: d\r\rdata: e\r\r\ndata: f\n\r\ndata: g\r\n\r",
        "\r\n\r\n\n\n\r\rdata\n\n", "data: tail", "\xEF\xBB", "data: a\r"}) {
    const auto whole = events(bytes);
    std::string joined;
    for (const SseEvent& event : whole) joined += event.raw;
    EXPECT_EQ(joined, bytes);
    for (std::size_t step = 1; step < bytes.size(); ++step) {
      const auto split = events(bytes, step);
      ASSERT_EQ(split.size(), whole.size()) << bytes << step;
      for (std::size_t i = 0; i < whole.size(); ++i) {
        EXPECT_EQ(split[i].raw, whole[i].raw);
        EXPECT_EQ(split[i].data, whole[i].data);
      }
    }
  }
}

TEST(Sse, AnEventIsOutAsSoonAsItsBlankLineIs) {
  for (const std::string_view bytes : {"data: a\n\n", "data: a\r\n\r\n", "data: a\r\r"}) {
    SseParser parser;
    parser.feed(bytes);
    SseEvent event;
    EXPECT_TRUE(parser.next(event).value()) << bytes;
    EXPECT_EQ(event.raw, bytes);
  }
}

TEST(Sse, RefusesAnEventBeyondTheBoundUnderEverySplit) {
  const std::string good = "data: " + std::string(92, 'x') + "\n\n";  // 100 bytes
  const std::string bad = "data: " + std::string(93, 'x') + "\n\n";
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    SseParser parser(100);
    SseEvent event;
    bool failed = false;
    std::size_t found = 0;
    const std::string bytes = good + good + bad + good;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      parser.feed(std::string_view(bytes).substr(at, step));
      for (;;) {
        const auto result = parser.next(event);
        if (!result.ok()) {
          EXPECT_EQ(result.error().kind, ErrorKind::limit);
          failed = true;
          break;
        }
        if (!*result) break;
        ++found;
      }
    }
    EXPECT_TRUE(failed);
    EXPECT_EQ(found, 2U);
  }
}

TEST(Sse, ReplacesDataAndKeepsTheRest) {
  EXPECT_EQ(with_data("data: a\n\n", "b"), "data: b\n\n");
  EXPECT_EQ(with_data("data:a\r\n\r\n", "b"), "data:b\r\n\r\n");
  EXPECT_EQ(with_data("event: x\ndata: a\n: c\ndata: b\nid: 1\n\n", "z"),
            "event: x\ndata: z\n: c\nid: 1\n\n");
  EXPECT_EQ(with_data("data: a\r\rx", "1\n2"), "data: 1\rdata: 2\r\rx");
  EXPECT_EQ(with_data("data", "1\n2"), "data:1\ndata:2");
}

TEST(Sse, WhatWasPutInComesOutAgain) {
  for (const std::string_view data : {"", "x", " x", "{\n\"a\": 1\n}", "\n"}) {
    const auto got = events(with_data("id: 7\ndata: old\r\n\r\n", data));
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].data, data);
  }
  EXPECT_EQ(events(with_data("data:old\n\n", " x"))[0].data, " x");
  EXPECT_EQ(events(with_data("data\n\n", "\n x"))[0].data, "\n x");
}

}  // namespace
}  // namespace davy::dialects
