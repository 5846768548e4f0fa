#include "mechanisms/dialects/openai_responses_answer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/testing.h"

namespace davy::dialects {
namespace {

constexpr StreamKey kText{0, kContentBlock, Provenance::assistant, TextKind::prose};

class ResponsesAnswer : public testing::Test {
 protected:
  void read(std::string body) {
    body_ = std::move(body);
    const auto result = answer_->read(body_);
    ASSERT_TRUE(result.ok()) << result.error().text();
    ASSERT_EQ(answer_->apply({}).value(), body_);
    for (const StreamSegment& piece : answer_->segments()) {
      EXPECT_TRUE(piece.last);
      EXPECT_EQ(piece.offset, 0U);
    }
  }
  // A response with these items.
  void items(const std::string& items) {
    read(R"({"id":"resp_1","object":"response","status":"completed","model":"m","output":[)" +
         items + "]}");
  }

  std::string body_;
  std::unique_ptr<AnswerDocument> answer_ = openai().make_answer(kOpenAiResponses);
};

TEST_F(ResponsesAnswer, ReadsTextRefusalsAndCalls) {
  items(R"({"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[
      {"type":"output_text","text":"a\n","annotations":[
        {"type":"url_citation","url":"https://x.y","title":"T t","start_index":0}]},
      {"type":"refusal","refusal":"no"}]},
    {"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":"{\"x\":1}"},
    {"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"s"}],
      "content":[{"type":"reasoning_text","text":"t"}]})");
  EXPECT_EQ(list(*answer_),
            (Lines{"assistant prose: a\n", "assistant structured: https://x.y",
                   "assistant structured: T t", "assistant prose: no", "tool_call structured: f",
                   "tool_call structured: {\"x\":1}", "assistant prose: s", "assistant prose: t"}));
  EXPECT_EQ(answer_->segments()[0].key, kText);
  EXPECT_EQ(answer_->segments()[4].key.choice, 1U);
  EXPECT_EQ(answer_->segments()[4].key.block, kToolNameBlock);
  EXPECT_EQ(answer_->bytes_not_examined(), 0U);
}

TEST_F(ResponsesAnswer, ReadsWhatHostedToolsWereAskedAndGave) {
  items(R"({"type":"web_search_call","id":"ws","status":"completed","action":{"type":"search",
      "query":"q","sources":[{"type":"url","url":"https://u"}]}},
    {"type":"file_search_call","id":"fs","queries":["p"],"results":[{"file_id":"f1","text":"r"}]},
    {"type":"code_interpreter_call","id":"ci","container_id":"cn","code":"print 1",
      "outputs":[{"type":"logs","logs":"l"}]},
    {"type":"mcp_list_tools","id":"ml","server_label":"s","tools":[{"name":"n","description":"d"}]},
    {"type":"mcp_call","id":"mc","name":"n","arguments":"{}","output":"o","server_label":"s"},
    {"type":"custom_tool_call","id":"cc","call_id":"c2","name":"g","input":"i"},
    {"type":"tool_from_the_future","id":"tf","arguments":["v"],"result":{"k":"w"},"else":"z"})");
  EXPECT_EQ(list(*answer_),
            (Lines{"tool_call structured: q", "tool_call structured: https://u",
                   "tool_call structured: p", "tool_result prose: r", "tool_call code: print 1",
                   "tool_result prose: l", "assistant structured: s", "document structured: n",
                   "document structured: d", "tool_call structured: n", "tool_call structured: {}",
                   "tool_result prose: o", "assistant structured: s", "tool_call structured: g",
                   "tool_call structured: i", "tool_call structured: v", "tool_result prose: w",
                   "assistant structured: z"}));
}

TEST_F(ResponsesAnswer, WhatOnlyItsMakerCanReadIsCounted) {
  items(R"({"type":"reasoning","id":"rs","summary":[],"encrypted_content":"gAAA_-=="},
    {"type":"image_generation_call","id":"ig","status":"completed","result":"iVBORw0"},
    {"type":"image_generation_call","id":"ig","result":"not base64!"},
    {"type":"reasoning","id":"rs","encrypted_content":"plain after all"})");
  EXPECT_EQ(list(*answer_),
            (Lines{"tool_result prose: not base64!", "assistant structured: plain after all"}));
  EXPECT_EQ(answer_->bytes_not_examined(), 8U + 7);
}

TEST_F(ResponsesAnswer, WhatItRepeatsOfTheRequestIsTheRequests) {
  read(R"({"id":"resp_1","object":"response","status":"completed","model":"m","output":[],
    "instructions":"I","tools":[{"type":"function","name":"f","description":"D"}],
    "metadata":{"k":"v"},"tool_choice":"auto","text":{"format":{"type":"text"}},"user":"u u",
    "reasoning":{"effort":"low","summary":null},"new":"n"})");
  EXPECT_EQ(list(*answer_),
            (Lines{"system prose: I", "document structured: f", "document structured: D",
                   "field structured: v", "field structured: u u", "assistant structured: n"}));
}

TEST_F(ResponsesAnswer, NoTextEscapesBecauseItsPlaceIsUnknown) {
  read(R"({"output":[7,"a",{"content":"b"},{"content":["c",{"text":["d"],"odd key":"e"}]},
    {"content":{"x":"f"},"name":["g"]}],"error":{"code":"server_error","message":"it broke"}})");
  EXPECT_EQ(list(*answer_),
            (Lines{"assistant structured: a", "assistant prose: b", "assistant prose: c",
                   "assistant structured: d", "assistant structured: odd key",
                   "assistant structured: e", "assistant structured: f", "assistant structured: g",
                   "assistant structured: server_error", "assistant structured: it broke"}));
  read(R"(["a"])");
  EXPECT_EQ(list(*answer_), (Lines{"assistant structured: a"}));
}

TEST_F(ResponsesAnswer, TellsUsageAndHowItEnded) {
  read(R"({"status":"completed","usage":{"input_tokens":5,"input_tokens_details":
    {"cached_tokens":2},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":3},
    "total_tokens":12}})");
  EXPECT_EQ(answer_->usage(), (Usage{5, 7, 2}));
  EXPECT_EQ(answer_->finish_reason(), "completed");
  read(R"({"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}})");
  EXPECT_EQ(answer_->finish_reason(), "max_output_tokens");
  EXPECT_TRUE(list(*answer_).empty());
  EXPECT_EQ(answer_->usage(), std::nullopt);
}

TEST_F(ResponsesAnswer, EditsChangeTheirBytesAndTheEchoBesideThem) {
  items(R"({"content":[{"text":"my sk-1 ok","logprobs":[{"token":"my"}]}]},)"
        R"({"content":[{"text":"other","logprobs":[{"token":"other"}]}],"note":"sk-1"})");
  StreamKey note;
  for (const StreamSegment& piece : answer_->segments()) {
    if (piece.text == "sk-1") note = piece.key;
  }
  EXPECT_EQ(note.block, kWholeBlock);
  const StreamEdit edits[] = {{kText, {3, 7}, "<KEY>"}};
  EXPECT_EQ(answer_->apply(edits).value(),
            R"({"id":"resp_1","object":"response","status":"completed","model":"m","output":[)"
            R"({"content":[{"text":"my <KEY> ok","logprobs":[]}]},)"
            R"({"content":[{"text":"other","logprobs":[{"token":"other"}]}],"note":"sk-1"}]})");
  const StreamEdit of_note[] = {{note, {0, 4}, "<KEY>"}};
  EXPECT_NE(answer_->apply(of_note).value().find(R"("note":"<KEY>")"), std::string::npos);
}

TEST_F(ResponsesAnswer, ALongListOfToolsIsNotTooMuch) {
  std::string tools;
  for (int i = 0; i < 5000; ++i) {
    tools += (i ? "," : "") + std::string(R"({"name":"n)") + std::to_string(i) + "\"}";
  }
  read(R"({"tools":[)" + tools + R"(],"output":[{"content":[{"text":"x"}]}]})");
  EXPECT_EQ(answer_->segments().size(), 5001U);
}

TEST_F(ResponsesAnswer, TheAccountAloneIsThatOfTheWhole) {
  const std::string_view bodies[] = {
      R"({"output":[{"status":"no"}],"status":"completed","usage":{"input_tokens":3,"x":[1]}})",
      R"({"incomplete_details":{"reason":"content_filter","y":{}},"status":"incomplete"})",
      R"({"incomplete_details":null,"status":"failed","usage":null})",
      R"({"incomplete_details":"x","status":["a"],"usage":[1]})",
      R"({"stat\u0075s":"completed","usage":{"output_tokens":4}})",
      R"({"status":"not plain","incomplete_details":{"reason":7}})",
      R"([1,2])",
  };
  for (const std::string_view body : bodies) {
    read(std::string(body));
    const auto usage = answer_->usage();
    const std::string reason(answer_->finish_reason());
    ASSERT_TRUE(answer_->read_account(body).ok()) << body;
    EXPECT_EQ(answer_->usage(), usage) << body;
    EXPECT_EQ(answer_->finish_reason(), reason) << body;
  }
  for (const std::string_view body :
       {R"({"usage":{"input_tokens":3},"usage":{}})", R"({"status":"a","status":"b"})",
        R"({"incomplete_details":{"reason":"a","reason":"b"}})", "{", ""}) {
    EXPECT_FALSE(answer_->read_account(body).ok()) << body;
  }
}

}  // namespace
}  // namespace davy::dialects
