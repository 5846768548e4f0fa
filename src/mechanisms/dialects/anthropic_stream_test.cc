#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/anthropic.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

constexpr StreamKey kText{0, kAnthropicText, Provenance::assistant, TextKind::prose};
constexpr StreamKey kInput1{0, kAnthropicToolInput + 1, Provenance::tool_call,
                            TextKind::structured};

// An event as the API sends it.
std::string event(const std::string& type, const std::string& more = "") {
  std::string out;
  append_named_event(out, type,
                     "{\"type\":\"" + type + "\"" + (more.empty() ? "" : "," + more) + "}");
  return out;
}
std::string begin(const std::string& usage = R"({"input_tokens":25,"output_tokens":1})") {
  return event("message_start",
               R"("message":{"id":"msg_1","type":"message","role":"assistant","model":"m",)"
               R"("content":[],"stop_reason":null,"stop_sequence":null,"usage":)" +
                   usage + "}");
}
std::string open(int index, const std::string& block) {
  return event("content_block_start",
               "\"index\":" + std::to_string(index) + ",\"content_block\":" + block);
}
std::string open_text(int index) { return open(index, R"({"type":"text","text":""})"); }
std::string delta(int index, const std::string& more) {
  return event("content_block_delta",
               "\"index\":" + std::to_string(index) + ",\"delta\":{" + more + "}");
}
// `raw` goes in without escaping.
std::string text(int index, const std::string& raw) {
  return delta(index, R"("type":"text_delta","text":")" + raw + "\"");
}
std::string close(int index) {
  return event("content_block_stop", "\"index\":" + std::to_string(index));
}
std::string finish(const std::string& reason = "end_turn", int output = 15) {
  return event("message_delta", R"("delta":{"stop_reason":")" + reason +
                                    R"(","stop_sequence":null},"usage":{"output_tokens":)" +
                                    std::to_string(output) + "}");
}
const std::string kStop = event("message_stop");
const std::string kPing = event("ping");

struct Read {
  std::vector<StreamEvent> events;
  std::string raw;  // all bytes together
  std::optional<Usage> usage;
  std::string finish_reason;

  [[nodiscard]] std::string text(const StreamKey& key) const {
    std::string out;
    for (const StreamEvent& each : events) {
      for (const StreamSegment& piece : each.segments) {
        if (piece.key != key) continue;
        EXPECT_EQ(piece.offset, out.size());
        out += piece.text;
      }
    }
    return out;
  }
  // In which event the stream had its last piece.
  [[nodiscard]] int end_of(const StreamKey& key) const {
    int out = -1;
    for (std::size_t i = 0; i < events.size(); ++i) {
      for (const StreamSegment& piece : events[i].segments) {
        if (piece.key != key || !piece.last) continue;
        EXPECT_EQ(out, -1) << "ended twice";
        out = static_cast<int>(i);
      }
    }
    return out;
  }
};

class AnthropicStream : public testing::Test {
 protected:
  Read read(const std::string& bytes) {
    reader_->reset(false);
    reader_->feed(bytes);
    Read out;
    for (;;) {
      StreamEvent each;
      auto found = reader_->next(each);
      EXPECT_TRUE(found.ok());
      if (!found || !*found) found = reader_->finish(each);
      EXPECT_TRUE(found.ok());
      if (!found || !*found) return out;
      out.raw += each.raw;
      if (each.usage) out.usage = each.usage;
      if (!each.finish_reason.empty()) out.finish_reason = each.finish_reason;
      out.events.push_back(std::move(each));
    }
  }
  std::string edited(const Read& read, const std::vector<StreamEdit>& edits) {
    std::string out;
    for (const StreamEvent& each : read.events) out += reader_->apply(each, edits).value();
    return out;
  }
  std::string error(const std::string& bytes) {
    reader_->reset(false);
    reader_->feed(bytes);
    StreamEvent each;
    for (;;) {
      const auto found = reader_->next(each);
      if (!found) return found.error().text();
      if (!*found) return "ok";
    }
  }
  std::unique_ptr<StreamReader> reader_ = anthropic().make_stream(0);
};

TEST_F(AnthropicStream, GivesTextWithOffsetsAndTheEnd) {
  const std::string bytes = begin() + open_text(0) + kPing + text(0, "Hel") + text(0, "lo\\n") +
                            close(0) + finish() + kStop;
  const Read all = read(bytes);
  EXPECT_EQ(all.raw, bytes);
  EXPECT_EQ(all.text(kText), "Hello\n");
  ASSERT_EQ(all.events.size(), 8U);
  EXPECT_EQ(all.finish_reason, "end_turn");
  EXPECT_EQ(all.usage, (Usage{25, 15, 0}));
  EXPECT_TRUE(all.events.back().done);
  EXPECT_TRUE(all.events.back().segments.empty());
}

TEST_F(AnthropicStream, ABlocksTextEndsWithItsBlock) {
  const Read all = read(begin() + open_text(0) + text(0, "a") + close(0) + open_text(1) +
                        text(1, "b") + close(1));
  EXPECT_EQ(all.end_of(kText), 3);
  StreamKey second = kText;
  second.block = kAnthropicText + 1;
  EXPECT_EQ(all.end_of(second), 6);
}

TEST_F(AnthropicStream, ATextThatGoesOnAfterItsEndIsRefused) {
  const std::string told = error(begin() + open_text(0) + text(0, "a") + close(0) + text(0, "b"));
  EXPECT_NE(told.find("after its end"), std::string::npos) << told;
  EXPECT_EQ(error(begin() + open_text(0) + text(0, "a") + close(0) + text(0, "")), "ok");
}

TEST_F(AnthropicStream, ToolInputIsOneTextOverManyEvents) {
  const auto json = [](const std::string& raw) {
    return delta(1, R"("type":"input_json_delta","partial_json":")" + raw + "\"");
  };
  const Read all = read(begin() + open_text(0) + text(0, "ok") + close(0) +
                        open(1, R"({"type":"tool_use","id":"toolu_1","name":"send","input":{}})") +
                        json("") + json(R"({\"to\": \"b\\u00)") + json(R"(e9@x\"})") + close(1) +
                        finish("tool_use") + kStop);
  EXPECT_EQ(all.text(kInput1), R"({"to": "b\u00e9@x"})");
  EXPECT_EQ(all.end_of(kInput1), 8);
  StreamKey tool = kInput1;
  tool.block = kAnthropicToolName + 1;
  EXPECT_EQ(all.text(tool), "send");
  EXPECT_EQ(all.finish_reason, "tool_use");
  EXPECT_NE(edited(all, {{kInput1, {8, 16}, "<EMAIL>"}})
                .find(R"("partial_json":"{\"to\": \"<EMAIL>"})"
                      "}\n\nevent: content_block_delta"),
            std::string::npos);
}

TEST_F(AnthropicStream, ThinkingIsProseAndItsSignatureNoText) {
  const Read all = read(
      begin() + open(0, R"({"type":"thinking","thinking":"","signature":""})") +
      delta(0, R"("type":"thinking_delta","thinking":"hm ")") +
      delta(0, R"("type":"thinking_delta","thinking":"yes")") +
      delta(0, R"("type":"signature_delta","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b+/==")") +
      close(0) + open(1, R"({"type":"redacted_thinking","data":"EmwKAhgB"})") + close(1) + kStop);
  const StreamKey thinking{0, kAnthropicThinking, Provenance::assistant, TextKind::prose};
  EXPECT_EQ(all.text(thinking), "hm yes");
  std::uint64_t hidden = 0;
  for (const StreamEvent& each : all.events) {
    hidden += each.bytes_not_examined;
    for (const StreamSegment& piece : each.segments) EXPECT_EQ(piece.key, thinking);
  }
  EXPECT_EQ(hidden, 8U);
}

TEST_F(AnthropicStream, UnknownDeltasAndCitationsAreTextOfTheirBlock) {
  const auto cite = [](int index, const std::string& cited) {
    return delta(index, R"("type":"citations_delta","citation":{"type":"char_location",)"
                        R"("cited_text":")" +
                            cited + R"(","document_title":null,"file_id":"file_1"})");
  };
  const auto next = [](int index, const std::string& raw) {
    return delta(index, R"("type":"next_delta","text":")" + raw + R"(","x":{"y":"z"})");
  };
  const Read all = read(begin() + open_text(0) + cite(0, "a") + cite(0, "b") + next(0, "c") +
                        close(0) + open_text(1) + cite(1, "d") + next(1, "e") + next(1, "f"));
  // A citation is complete in itself; what is not known may go on in the next event.
  std::map<std::uint32_t, std::string> going_on;
  std::vector<std::string> whole;
  for (const StreamEvent& each : all.events) {
    for (const StreamSegment& piece : each.segments) {
      if (piece.key.block >= kWholeBlock) {
        whole.emplace_back(piece.text);
      } else {
        EXPECT_GE(piece.key.block, kOtherBlock);
        going_on[piece.key.block] += piece.text;
      }
    }
  }
  EXPECT_EQ(whole, (std::vector<std::string>{"a", "b", "d"}));
  std::vector<std::string> found;
  for (const auto& [block, text] : going_on) found.push_back(text);
  EXPECT_EQ(found, (std::vector<std::string>{"c", "z", "ef", "zz"}));
  // It ends with its block, too.
  EXPECT_EQ(all.end_of(all.events[4].segments[0].key), 5);
}

TEST_F(AnthropicStream, EventsThatNobodyKnowsMayGoOnInTheNext) {
  const Read all = read(begin() + event("murmur", R"("x":"sk-")") + event("murmur", R"("x":"1")"));
  ASSERT_EQ(all.events[1].segments.size(), 1U);
  EXPECT_EQ(all.text(all.events[1].segments[0].key), "sk-1");
}

TEST_F(AnthropicStream, ADecoyCannotSplitWhatTheClientJoins) {
  const Read all = read(begin() + open_text(0) + text(0, "sk-") +
                        delta(0, R"("type":"decoy_delta","text":" no ")") +
                        delta(1, R"("type":"text_delta","text":" no ")") + text(0, "123"));
  EXPECT_EQ(all.text(kText), "sk-123");
}

TEST_F(AnthropicStream, ResultsOfServerToolsComeInOneEvent) {
  const Read all = read(begin() +
                        open(0, R"({"type":"web_search_tool_result","tool_use_id":"s","content":[)"
                                R"({"type":"web_search_result","url":"https://u","title":"a b",)"
                                R"("encrypted_content":"Eo8B"}]})") +
                        close(0));
  ASSERT_EQ(all.events[1].segments.size(), 2U);
  EXPECT_EQ(all.events[1].segments[1].text, "a b");
  EXPECT_EQ(all.events[1].bytes_not_examined, 4U);
  for (const StreamSegment& piece : all.events[1].segments) EXPECT_EQ(all.end_of(piece.key), 1);
}

TEST_F(AnthropicStream, UsageIsToldPieceByPiece) {
  const Read all = read(
      begin(R"({"input_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":300,)"
            R"("output_tokens":2})") +
      open_text(0) + close(0) + finish("end_turn", 9) + kStop);
  EXPECT_EQ(all.events[0].usage, (Usage{325, 2, 300}));
  EXPECT_EQ(all.usage, (Usage{325, 9, 300}));
  // Counts are cumulative: later ones stand in place of earlier ones.
  const Read more =
      read(begin() + event("message_delta",
                           R"("delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":30,)"
                           R"("cache_read_input_tokens":null,"output_tokens":9})"));
  EXPECT_EQ(more.usage, (Usage{30, 9, 0}));
  // And the next answer begins anew.
  EXPECT_EQ(read(finish()).usage, (Usage{0, 15, 0}));
}

TEST_F(AnthropicStream, AnErrorInTheStreamIsText) {
  const Read all = read(begin() + event("error", R"("error":{"type":"overloaded_error",)"
                                                 R"("message":"it broke"})"));
  ASSERT_EQ(all.events[1].segments.size(), 1U);
  EXPECT_EQ(all.events[1].segments[0].text, "it broke");
  EXPECT_FALSE(all.events[1].done);
}

TEST_F(AnthropicStream, WhatFollowsTheEndIsDropped) {
  const Read all = read(begin() + kStop + text(0, "b"));
  EXPECT_EQ(all.raw, begin() + kStop);
}

TEST_F(AnthropicStream, JoinsASurrogatePairThatIsSplitBetweenEvents) {
  const Read all = read(open_text(0) + text(0, "a\\ud83d") + text(0, "\\ude00b") + close(0));
  EXPECT_EQ(all.text(kText),
            "a\xf0\x9f\x98\x80"
            "b");
  EXPECT_EQ(all.raw, open_text(0) + text(0, "a") +
                         text(0,
                              "\xf0\x9f\x98\x80"
                              "b") +
                         close(0));
  const Read alone =
      read(open_text(0) + text(0, "a\\ud83d") + close(0) + open_text(1) + text(1, "\\ude00"));
  EXPECT_EQ(alone.text(kText), "a");
}

TEST_F(AnthropicStream, EditsOverSeveralEventsLeaveTheirReplacementInTheFirst) {
  const Read all = read(open_text(0) + text(0, "key s") + text(0, "k-12") + text(0, "34 ok"));
  EXPECT_EQ(edited(all, {{kText, {4, 11}, "<KEY>"}}),
            open_text(0) + text(0, "key <KEY>") + text(0, "") + text(0, " ok"));
}

TEST_F(AnthropicStream, ACutStreamEndsInOrder) {
  read(begin() + open_text(0) + text(0, "a") + close(0) + open_text(1) + text(1, "b"));
  const std::string end =
      event("message_delta", R"("delta":{"stop_reason":"refusal","stop_sequence":null},)"
                             R"("usage":{"output_tokens":1})") +
      kStop;
  EXPECT_EQ(reader_->cut(), close(1) + end);
  const Read all = read(reader_->cut());
  EXPECT_EQ(all.finish_reason, "refusal");
  EXPECT_TRUE(all.events.back().done);
}

TEST_F(AnthropicStream, ACutEndsOnlyWhatWentOut) {
  const Read all = read(begin() + open_text(0) + text(0, "a") + close(0) + open_text(1));
  const auto cut_after = [&](std::size_t event) {
    EXPECT_TRUE(reader_->apply(all.events[event], {}).ok());
    return reader_->cut();
  };
  EXPECT_EQ(cut_after(0).find("content_block_stop"), std::string::npos);
  EXPECT_EQ(cut_after(0).find("message_start"), std::string::npos);
  EXPECT_TRUE(cut_after(1).starts_with(close(0)));
  EXPECT_TRUE(cut_after(2).starts_with(close(0)));
  EXPECT_EQ(cut_after(3).find("content_block_stop"), std::string::npos);
  EXPECT_TRUE(cut_after(4).starts_with(close(1)));
}

TEST_F(AnthropicStream, ACutBeforeAnyMessageGivesAWholeOne) {
  read(kPing);
  const std::string cut = reader_->cut();
  EXPECT_TRUE(cut.starts_with("event: message_start\n"));
  const Read all = read(cut);
  EXPECT_EQ(all.raw, cut);
  EXPECT_EQ(all.finish_reason, "refusal");
}

TEST_F(AnthropicStream, BlocksWithoutEndAreRefused) {
  EXPECT_NE(error(open_text(5000)), "ok");
  std::string bytes = begin();
  for (std::size_t i = 0; i <= 2 * kMaxStreams; ++i) bytes += open_text(0) + close(0);
  EXPECT_NE(error(bytes), "ok");
}

}  // namespace
}  // namespace davy::dialects
