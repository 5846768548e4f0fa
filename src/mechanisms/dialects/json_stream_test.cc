#include "mechanisms/dialects/json_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "mechanisms/dialects/json_answer.h"
#include "mechanisms/dialects/openai.h"

namespace davy::dialects {
namespace {

constexpr StreamKey kText{0, kContentBlock, Provenance::assistant, TextKind::prose};
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// One event with that text, which is put in without escaping.
std::string chunk(std::string_view raw, std::string_view more = "") {
  return R"(data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"content":")" +
         std::string(raw) + R"("},"finish_reason":null)" + std::string(more) + "}]}\n\n";
}
constexpr std::string_view kDone = "data: [DONE]\n\n";

struct Read {
  std::vector<StreamEvent> events;
  std::string text;  // of kText
  std::string raw;   // all bytes together
};

Read read_all(StreamReader& reader, std::string_view bytes) {
  reader.reset(false);
  reader.feed(bytes);
  Read out;
  for (;;) {
    StreamEvent event;
    auto found = reader.next(event);
    EXPECT_TRUE(found.ok());
    if (!found || !*found) found = reader.finish(event);
    EXPECT_TRUE(found.ok());
    if (!found || !*found) return out;
    out.events.push_back(std::move(event));
    out.raw += out.events.back().raw;
    for (const StreamSegment& piece : out.events.back().segments) {
      if (piece.key != kText) continue;
      EXPECT_EQ(piece.offset, out.text.size());
      out.text += piece.text;
    }
  }
}

class Stream : public testing::Test {
 protected:
  std::string edited(const Read& read, const std::vector<StreamEdit>& edits) {
    std::string out;
    for (const StreamEvent& event : read.events) out += reader_->apply(event, edits).value();
    return out;
  }
  std::unique_ptr<StreamReader> reader_ = openai().make_stream(0);
};

TEST_F(Stream, GivesTextWithOffsetsAndTheEnd) {
  const std::string bytes =
      chunk("Hel") + ": ping\n\n" + chunk("lo\\n") +
      R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
      "\n\n"
      R"(data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})"
      "\n\n" +
      std::string(kDone);
  const Read read = read_all(*reader_, bytes);
  EXPECT_EQ(read.text, "Hello\n");
  EXPECT_EQ(read.raw, bytes);
  ASSERT_EQ(read.events.size(), 6U);
  EXPECT_EQ(read.events[2].segments[0].offset, 3U);
  EXPECT_EQ(read.events[3].finish_reason, "stop");
  EXPECT_EQ(read.events[4].usage, (Usage{3, 2}));
  EXPECT_TRUE(read.events[5].done);
  ASSERT_EQ(read.events[5].segments.size(), 1U);
  EXPECT_TRUE(read.events[5].segments[0].last);
  EXPECT_EQ(read.events[5].segments[0].offset, 6U);
}

TEST_F(Stream, KeepsToolCallsAndChoicesApart) {
  const Read read = read_all(
      *reader_,
      R"(data: {"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a"}},{"index":1,"function":{"arguments":"{"}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\":1}"}}],"reasoning_content":"hm"}}]})"
      "\n\n");
  ASSERT_EQ(read.events.size(), 4U);  // the last one is what finish() gives
  EXPECT_EQ(read.events[0].segments[0].key.block, kToolNameBlock);
  ASSERT_EQ(read.events[1].segments.size(), 2U);
  EXPECT_EQ(read.events[1].segments[0].key.block, kToolCallBlock);
  EXPECT_EQ(read.events[1].segments[1].key.block, kToolCallBlock + 1);
  EXPECT_EQ(read.events[2].segments[0].offset, 3U);
  EXPECT_EQ(read.events[2].segments[0].text, "\":1}");
  EXPECT_EQ(read.events[2].segments[1].key.block, kOtherBlock);
  EXPECT_EQ(read.events[2].segments[1].key.choice, 1U);
  EXPECT_TRUE(read.events[3].done);
  EXPECT_EQ(read.events[3].segments.size(), 4U);
}

TEST_F(Stream, JoinsASurrogatePairThatIsSplitBetweenEvents) {
  const Read read = read_all(*reader_, chunk("a\\ud83d") + chunk("\\ude00b") + std::string(kDone));
  EXPECT_EQ(read.text,
            "a\xf0\x9f\x98\x80"
            "b");
  EXPECT_EQ(read.raw, chunk("a") +
                          chunk("\xf0\x9f\x98\x80"
                                "b") +
                          std::string(kDone));
  const Read again = read_all(*reader_, read.raw);
  EXPECT_EQ(again.text, read.text);
}

TEST_F(Stream, APairWaitsOverEventsOfOtherStreams) {
  const std::string between = R"(data: {"choices":[{"index":1,"delta":{"content":"x"}}]})"
                              "\n\n" +
                              chunk("");
  const Read read =
      read_all(*reader_, chunk("\\uD83D") + between + chunk("\\uDE00") + std::string(kDone));
  EXPECT_EQ(read.text, "\xf0\x9f\x98\x80");
  EXPECT_TRUE(read.events[0].segments.empty());
}

TEST_F(Stream, ASurrogateThatNeverFindsItsPartnerIsReplaced) {
  Read read = read_all(*reader_, chunk("a\\ud83d") + chunk("b") + std::string(kDone));
  EXPECT_EQ(read.text, "a" + std::string(kReplacement) + "b");
  EXPECT_EQ(read.raw, chunk("a") + chunk("\\ufffdb") + std::string(kDone));
  read = read_all(*reader_, chunk("\\ud83d") + chunk("\\ud83d") + chunk("\\ude00"));
  EXPECT_EQ(read.text, std::string(kReplacement) + "\xf0\x9f\x98\x80");
  read = read_all(*reader_, chunk("a\\ud83d") + std::string(kDone));
  EXPECT_EQ(read.text, "a");
  EXPECT_EQ(read.raw, chunk("a") + std::string(kDone));
}

TEST_F(Stream, WhatOnlyLooksLikeASurrogateStays) {
  const std::string bytes = chunk("\\\\ud83d") + chunk("\\ude00") + chunk("\\ud83d\\ude00");
  const Read read = read_all(*reader_, bytes);
  EXPECT_EQ(read.raw, bytes);
  EXPECT_EQ(read.text, "\\ud83d" + std::string(kReplacement) + "\xf0\x9f\x98\x80");
}

TEST_F(Stream, EditsOverSeveralEventsLeaveTheirReplacementInTheFirst) {
  const Read read =
      read_all(*reader_, chunk("key s") + chunk("k-12") + chunk("34 ok") + std::string(kDone));
  EXPECT_EQ(edited(read, {{kText, {4, 11}, "<KEY>"}}),
            chunk("key <KEY>") + chunk("") + chunk(" ok") + std::string(kDone));
  EXPECT_EQ(edited(read, {}), read.raw);
}

TEST_F(Stream, AnInsertionGoesToTheEventWithTheByteBeforeIt) {
  const Read read = read_all(*reader_, chunk("ab") + chunk("cd") + std::string(kDone));
  EXPECT_EQ(edited(read, {{kText, {2, 2}, "-"}, {kText, {0, 0}, "<"}, {kText, {4, 4}, ">"}}),
            chunk("<ab-") + chunk("cd>") + std::string(kDone));
}

TEST_F(Stream, AnEditCanTakeAwayAJoinedPair) {
  const Read read = read_all(*reader_, chunk("a\\ud83d") + chunk("\\ude00b") + std::string(kDone));
  EXPECT_EQ(edited(read, {{kText, {1, 5}, "*"}}), chunk("a") + chunk("*b") + std::string(kDone));
}

TEST_F(Stream, AnEditClearsTheEchoInLogprobs) {
  const std::string echo = R"(,"logprobs":{"content":[{"token":"x"}]})";
  const Read read = read_all(*reader_, chunk("ab", echo) + chunk("cd", echo));
  EXPECT_EQ(edited(read, {{kText, {0, 1}, ""}}),
            chunk("b", R"(,"logprobs":null)") + chunk("cd", echo));
}

TEST_F(Stream, AnEchoThatIsAListBecomesAnEmptyList) {
  const Read read = read_all(*reader_, chunk("ab", R"(,"logprobs":[{"token":"ab"}])"));
  EXPECT_EQ(edited(read, {{kText, {0, 1}, ""}}), chunk("b", R"(,"logprobs":[])"));
}

TEST_F(Stream, EventsMayBeHeldAndMoved) {
  std::vector<StreamEvent> held;
  reader_->feed(chunk("x") + chunk("y\\n") + chunk("z\\ud83d") + chunk("\\ude00"));
  for (int i = 0; i < 4; ++i) {
    StreamEvent event;
    ASSERT_TRUE(reader_->next(event).value());
    held.push_back(std::move(event));
  }
  EXPECT_EQ(held[0].segments[0].text, "x");
  EXPECT_EQ(held[1].segments[0].text, "y\n");
  EXPECT_EQ(held[2].segments[0].text, "z");
  EXPECT_EQ(held[3].segments[0].text, "\xf0\x9f\x98\x80");
  const StreamEdit edits[] = {{kText, {0, 1}, "X"}};
  EXPECT_EQ(reader_->apply(held[0], edits).value(), chunk("X"));
}

TEST_F(Stream, DataThatIsNotJsonIsNotExaminedAndSaysSo) {
  const Read read = read_all(*reader_, "data: hello\n\ndata: {\"a\":1,\"a\":2}\n\n");
  ASSERT_EQ(read.events.size(), 3U);
  EXPECT_EQ(read.events[0].bytes_not_examined, 5U);
  EXPECT_EQ(read.events[1].bytes_not_examined, 13U);
  EXPECT_EQ(read.raw, "data: hello\n\ndata: {\"a\":1,\"a\":2}\n\n");
}

TEST_F(Stream, AnErrorInTheStreamIsText) {
  const Read read =
      read_all(*reader_, "event: error\ndata: {\"error\":{\"message\":\"it broke\"}}\n\n");
  ASSERT_FALSE(read.events[0].segments.empty());
  EXPECT_EQ(read.events[0].segments[0].text, "it broke");
}

TEST_F(Stream, WhatFollowsTheEndIsDropped) {
  const Read read = read_all(*reader_, chunk("a") + std::string(kDone) + chunk("b"));
  EXPECT_EQ(read.raw, chunk("a") + std::string(kDone));
  EXPECT_EQ(read.text, "a");
}

TEST_F(Stream, AnEventWithoutItsBlankLineIsExaminedToo) {
  const std::string cut_off = chunk("secret").substr(0, chunk("secret").size() - 2);
  const Read read = read_all(*reader_, cut_off);
  EXPECT_EQ(read.text, "secret");
  EXPECT_EQ(read.raw, cut_off);
  ASSERT_EQ(read.events.size(), 1U);
  EXPECT_TRUE(read.events[0].done);
  EXPECT_EQ(edited(read, {{kText, {0, 6}, "-"}}), chunk("-").substr(0, chunk("-").size() - 2));
}

TEST_F(Stream, DataOverSeveralLinesIsOneText) {
  const std::string bytes =
      "data: {\"choices\":[\ndata: {\"index\":0,\"delta\":{\"content\":\"ab\"}}]}\n\n";
  const Read read = read_all(*reader_, bytes);
  EXPECT_EQ(read.text, "ab");
  EXPECT_EQ(edited(read, {{kText, {0, 1}, "X"}}),
            "data: {\"choices\":[\ndata: {\"index\":0,\"delta\":{\"content\":\"Xb\"}}]}\n\n");
}

TEST_F(Stream, TooManyStreamsAreRefused) {
  std::string bytes = "data: {\"choices\":[";
  for (std::size_t i = 0; i <= kMaxStreams; ++i) {
    bytes += (i ? "," : "") + std::string("{\"index\":") + std::to_string(i) + "}";
  }
  reader_->feed(bytes + "]}\n\n");
  StreamEvent event;
  EXPECT_EQ(reader_->next(event).error().kind, ErrorKind::limit);
}

TEST_F(Stream, ACutStreamEndsInOrder) {
  read_all(*reader_, chunk("a") + R"(data: {"choices":[{"index":2,"delta":{"content":"x"}}]})"
                                  "\n\n");
  const std::string cut = reader_->cut();
  const std::string head =
      R"(data: {"id":"c1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":)";
  const std::string tail = R"(,"delta":{},"logprobs":null,"finish_reason":"content_filter"}]})"
                           "\n\n";
  EXPECT_EQ(cut, head + "0" + tail + head + "2" + tail + std::string(kDone));
  const Read read = read_all(*reader_, cut);
  EXPECT_EQ(read.events[0].finish_reason, "content_filter");
  EXPECT_TRUE(read.events.back().done);
}

TEST_F(Stream, ACutEndsOnlyTheChoicesThatWentOut) {
  const Read read =
      read_all(*reader_, chunk("a") + R"(data: {"choices":[{"index":2,"delta":{"content":"x"}}]})"
                                      "\n\n");
  ASSERT_TRUE(reader_->apply(read.events[0], {}).ok());
  EXPECT_EQ(reader_->cut().find(R"("index":2)"), std::string::npos);
  ASSERT_TRUE(reader_->apply(read.events[1], {}).ok());
  EXPECT_NE(reader_->cut().find(R"("index":2)"), std::string::npos);
}

TEST_F(Stream, TheUsageEventIsDroppedForThoseWhoDidNotAsk) {
  const std::string usage =
      R"(data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}})"
      "\n\n";
  const std::string both =
      R"(data: {"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}})"
      "\n\n";
  for (const bool drop : {false, true}) {
    reader_->reset(drop);
    reader_->feed(both + usage + std::string(kDone));
    std::string raw;
    std::optional<Usage> told;
    StreamEvent event;
    while (reader_->next(event).value()) {
      EXPECT_EQ(reader_->apply(event, {}).value(), event.raw);
      raw += event.raw;
      if (event.usage) told = event.usage;
    }
    EXPECT_EQ(raw, both + (drop ? "" : usage) + std::string(kDone));
    EXPECT_EQ(told, (Usage{3, 2, 1}));
  }
}

// Every string is complete in itself.
class WholeTexts final : public AnswerWalker {
 public:
  [[nodiscard]] std::string cut() const override { return {}; }

 private:
  [[nodiscard]] Result<void> look() override {
    for (NodeId id = 0; id < index_->nodes().size(); ++id) {
      if (is_string(id)) complete(id, false, Provenance::tool_result, TextKind::prose);
    }
    return {};
  }
};

TEST(WholeTextsTest, EachEndsAtOnceAndNoneTakesRoom) {
  JsonStream reader(std::make_unique<WholeTexts>());
  reader.reset(false);
  StreamEvent event;
  std::vector<StreamKey> keys;
  for (std::size_t i = 0; i < 2 * kMaxStreams; ++i) {
    reader.feed("data: [\"a\\u0062\",\"\",\"c\"]\n\n");
    ASSERT_TRUE(reader.next(event).value());
    ASSERT_EQ(event.segments.size(), 2U);
    EXPECT_EQ(event.segments[0].text, "ab");
    for (const StreamSegment& segment : event.segments) {
      EXPECT_TRUE(segment.last);
      EXPECT_EQ(segment.offset, 0U);
      keys.push_back(segment.key);
    }
  }
  for (std::size_t i = 1; i < keys.size(); ++i) EXPECT_NE(keys[i], keys[i - 1]);
  const StreamEdit edits[] = {{keys.back(), {0, 1}, "C"}, {keys[keys.size() - 2], {1, 2}, "B"}};
  EXPECT_EQ(reader.apply(event, edits).value(), "data: [\"aB\",\"\",\"C\"]\n\n");
  ASSERT_TRUE(reader.finish(event).value());
  EXPECT_TRUE(event.segments.empty()) << "they have ended before";
}

TEST(WholeTextsTest, AWholeAnswerMayHoldAnyNumberOfThem) {
  std::string body = "[\"x\"";
  for (std::size_t i = 1; i < 3 * kMaxStreams; ++i) body += ",\"x\"";
  body += "]";
  JsonAnswer answer(std::make_unique<WholeTexts>());
  ASSERT_TRUE(answer.read(body).ok());
  ASSERT_EQ(answer.segments().size(), 3 * kMaxStreams);
  std::vector<StreamEdit> edits;
  for (const StreamSegment& segment : answer.segments()) {
    EXPECT_TRUE(segment.last);
    edits.push_back({segment.key, {0, 1}, "y"});
  }
  std::reverse(edits.begin(), edits.end());
  std::string expected = body;
  std::replace(expected.begin(), expected.end(), 'x', 'y');
  EXPECT_EQ(answer.apply(edits).value(), expected);
}

TEST(WholeTextsTest, AnEventMayBeAsLargeAsItsDialectSays) {
  const std::string data = "data: [\"" + std::string(kMaxEventBytes, 'x') + "\"]\n\n";
  StreamEvent event;
  JsonStream usual(std::make_unique<WholeTexts>());
  usual.reset(false);
  usual.feed(data);
  EXPECT_EQ(usual.next(event).error().kind, ErrorKind::limit);
  JsonStream larger(std::make_unique<WholeTexts>(), 2 * kMaxEventBytes);
  larger.reset(false);
  larger.feed(data);
  ASSERT_TRUE(larger.next(event).value());
  EXPECT_EQ(event.segments[0].text.size(), kMaxEventBytes);
}

}  // namespace
}  // namespace davy::dialects
