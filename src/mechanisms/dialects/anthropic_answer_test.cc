#include "mechanisms/dialects/anthropic_answer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "mechanisms/dialects/anthropic.h"

namespace davy::dialects {
namespace {

using Lines = std::vector<std::string>;

// "text 0", "name 2", "whole": which stream of an answer.
std::string stream_name(const StreamKey& key) {
  if (key.block >= kWholeBlock) return "whole";
  if (key.block >= kOtherBlock) return "other " + std::to_string(key.block - kOtherBlock);
  const char* const kinds[] = {"text", "thinking", "input", "name"};
  return std::string(kinds[key.block >> 28]) + " " + std::to_string(key.block & 0x0FFF'FFFF);
}

class AnthropicAnswers : public testing::Test {
 protected:
  void read(std::string body) {
    body_ = std::move(body);
    const auto result = answer_->read(body_);
    ASSERT_TRUE(result.ok()) << result.error().text();
  }
  Lines blocks(const std::string& value) {
    read(R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":)" + value +
         R"(,"stop_reason":"end_turn","stop_sequence":null})");
    return list();
  }
  // "stream provenance kind: text" for each piece.
  Lines list() const {
    Lines out;
    for (const StreamSegment& piece : answer_->segments()) {
      std::string line = stream_name(piece.key);
      line.append(" ").append(name(piece.key.provenance));
      line.append(" ").append(name(piece.key.kind)).append(": ").append(piece.text);
      out.push_back(line);
    }
    return out;
  }

  std::string body_;
  std::unique_ptr<AnswerDocument> answer_ = anthropic().make_answer(0);
};

TEST_F(AnthropicAnswers, ReadsTextThinkingAndToolUse) {
  EXPECT_EQ(blocks(R"([{"type":"thinking","thinking":"a","signature":"EqQB+/=="},
    {"type":"text","text":"b\n","citations":null},
    {"type":"tool_use","id":"toolu_1","name":"f","input":{"type":"x y","id":["c",7]}},
    {"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"d"},
     "caller":{"type":"direct"}}])"),
            (Lines{"thinking 0 assistant prose: a", "text 1 assistant prose: b\n",
                   "name 2 tool_call structured: f", "whole tool_call structured: x y",
                   "whole tool_call structured: c", "name 3 tool_call structured: web_search",
                   "whole tool_call structured: d"}));
  EXPECT_EQ(answer_->finish_reason(), "end_turn");
  EXPECT_EQ(answer_->bytes_not_examined(), 0U);
  for (const StreamSegment& piece : answer_->segments()) {
    EXPECT_TRUE(piece.last);
    EXPECT_EQ(piece.offset, 0U);
  }
}

TEST_F(AnthropicAnswers, CountsWhatWentThroughTheCache) {
  read(R"({"type":"message","content":[],"usage":{"input_tokens":5,"cache_creation_input_tokens":20,
    "cache_read_input_tokens":300,"output_tokens":7,"service_tier":"standard",
    "cache_creation":{"ephemeral_5m_input_tokens":20}}})");
  EXPECT_EQ(answer_->usage(), (Usage{325, 7, 300}));
  EXPECT_TRUE(answer_->segments().empty());
  read(R"({"type":"message","usage":{"input_tokens":18446744073709551615,
    "cache_read_input_tokens":2,"output_tokens":null}})");
  EXPECT_EQ(answer_->usage(), (Usage{2, 0, 2}));
  read(R"({"type":"message","usage":{"output_tokens":"3"}})");
  EXPECT_EQ(answer_->usage(), std::nullopt);
}

TEST_F(AnthropicAnswers, CountsWhatWasWrittenOnTheWay) {
  const std::pair<const char*, std::optional<Usage>> bodies[] = {
      {R"({"type":"message","usage":{"input_tokens":23000,"output_tokens":1000,"iterations":[
        {"type":"compaction","input_tokens":180000,"output_tokens":3500},
        {"type":"message","input_tokens":23000,"output_tokens":1000}]}})",
       Usage{203000, 4500}},
      {R"({"type":"message","usage":{"iterations":[{"type":"x","input_tokens":1,"output_tokens":2,
        "cache_read_input_tokens":3,"cache_creation_input_tokens":4},{},7],"output_tokens":5}})",
       Usage{8, 7, 3}},
      {R"({"type":"message","usage":{"input_tokens":5,"iterations":null}})", Usage{5, 0}},
      {R"({"type":"message","usage":{"iterations":[{"type":["message"],"output_tokens":2}]}})",
       Usage{0, 2}},
      {R"({"type":"message","usage":{"iterations":[]}})", std::nullopt}};
  for (const auto& [body, usage] : bodies) {
    read(body);
    EXPECT_EQ(answer_->usage(), usage) << body;
    ASSERT_TRUE(answer_->read_account(body).ok());
    EXPECT_EQ(answer_->usage(), usage) << body;
  }
}

TEST_F(AnthropicAnswers, ACountOfTokensIsNoUsage) {
  read(R"({"input_tokens":14})");
  EXPECT_EQ(answer_->usage(), std::nullopt);
  EXPECT_TRUE(answer_->segments().empty());
}

TEST_F(AnthropicAnswers, ReadsWhatServerToolsGave) {
  EXPECT_EQ(blocks(R"([{"type":"web_search_tool_result","tool_use_id":"s","content":[
      {"type":"web_search_result","url":"https://u","title":"a","encrypted_content":"Eo8B",
       "page_age":null}]},
    {"type":"text","text":"b","citations":[{"type":"web_search_result_location","cited_text":"c",
      "url":"https://u","title":"d","encrypted_index":"Eo4C"}]},
    {"type":"web_fetch_tool_result","tool_use_id":"s","content":{"type":"web_fetch_result",
      "url":"https://v","content":{"type":"document","source":
        {"type":"base64","media_type":"application/pdf","data":"JVBERi0="}}}},
    {"type":"mcp_tool_result","tool_use_id":"m","content":[{"type":"text","text":"e"}]},
    {"type":"redacted_thinking","data":"EmwK"}])"),
            (Lines{"whole assistant structured: https://u", "whole assistant structured: a",
                   "text 1 assistant prose: b", "whole assistant structured: c",
                   "whole assistant structured: https://u", "whole assistant structured: d",
                   "whole assistant structured: https://v", "whole assistant structured: e"}));
  EXPECT_EQ(answer_->bytes_not_examined(), 4U + 8 + 4);
}

TEST_F(AnthropicAnswers, NoTextEscapesBecauseItsPlaceIsUnknown) {
  read(R"({"id":"a b","type":"message","content":[{"type":"text","text":"b","note":"c"},
    {"type":"new","id":"n1","text":"d","x":{"id":"sk-1"}},"e",
    {"type":"thinking","thinking":"","signature":"f g"},{"type":"text","signature":"h"},
    {"type":"redacted_thinking","data":"i j"}],"stop_reason":"k l","stop_sequence":"END",
    "stop_details":{"type":"refusal","category":"bio","explanation":"m"},"usage":{"x":"n"},
    "container":{"id":"c1","expires_at":"2027-01-01T00:00:00Z"},"o p":1,"content2":["q"]})");
  Lines texts;
  for (const StreamSegment& piece : answer_->segments()) texts.emplace_back(piece.text);
  EXPECT_EQ(texts, (Lines{"a b", "b", "c", "d", "sk-1", "e", "f g", "h", "i j", "k l", "END", "m",
                          "n", "o p", "q"}));
  EXPECT_EQ(answer_->finish_reason(), "");
  EXPECT_EQ(answer_->bytes_not_examined(), 0U);
}

TEST_F(AnthropicAnswers, AnErrorIsText) {
  read(R"({"type":"error","error":{"type":"overloaded_error","message":"come back"},
    "request_id":"req_011"})");
  EXPECT_EQ(list(), (Lines{"whole assistant structured: come back"}));
}

TEST_F(AnthropicAnswers, ATypeOfAnEventHidesNothing) {
  for (const char* type : {"message_start", "content_block_start", "content_block_delta",
                           "content_block_stop", "message_delta", "message_stop", "ping"}) {
    read(R"({"type":")" + std::string(type) + R"(","content":[{"type":"text","text":"a"}]})");
    ASSERT_EQ(answer_->segments().size(), 1U) << type;
    EXPECT_EQ(answer_->segments()[0].text, "a") << type;
  }
}

TEST_F(AnthropicAnswers, AToolInputOfManyStringsIsReadToItsEnd) {
  std::string rows;
  for (int i = 0; i < 3000; ++i) rows += (i ? ",\"r" : "\"r") + std::to_string(i) + "\"";
  blocks(R"([{"type":"tool_use","id":"t","name":"f","input":{"rows":[)" + rows +
         R"(]}},{"type":"text","text":"b","citations":[{"cited_text":"c"}]}])");
  ASSERT_EQ(answer_->segments().size(), 1U + 3000 + 2);
  for (const StreamSegment& each : answer_->segments()) {
    EXPECT_TRUE(each.last);
    EXPECT_EQ(each.offset, 0U);
  }
  const StreamSegment& last_row = answer_->segments()[3000];
  EXPECT_EQ(last_row.text, "r2999");
  EXPECT_EQ(last_row.key.provenance, Provenance::tool_call);
  const StreamEdit edit{last_row.key, {1, 5}, "<N>"};
  EXPECT_NE(answer_->apply(std::span(&edit, 1)).value().find(R"("r2998","r<N>"])"),
            std::string::npos);
}

TEST_F(AnthropicAnswers, AcceptsHalfCharactersThatModelsEmit) {
  EXPECT_EQ(blocks(R"([{"type":"text","text":"x\ud83d"}])"),
            (Lines{"text 0 assistant prose: x\xEF\xBF\xBD"}));
}

TEST_F(AnthropicAnswers, EditsChangeTheirBytesAndNothingElse) {
  blocks(R"([ {"type":"text", "text":"my key is\n sk-1 ok"},
    {"type":"tool_use","name":"f","input":{"k":"sk-1","n":0.70,"m":1e400}} ])");
  EXPECT_EQ(answer_->apply({}).value(), body_);
  const StreamEdit edits[] = {{answer_->segments()[0].key, {11, 15}, "<KEY>"},
                              {answer_->segments()[2].key, {0, 4}, "\"K\""}};
  std::string expected = body_;
  expected.replace(expected.find("sk-1 ok"), 4, "<KEY>");
  expected.replace(expected.find("sk-1"), 4, "\\\"K\\\"");
  EXPECT_EQ(answer_->apply(edits).value(), expected);
}

TEST_F(AnthropicAnswers, AnEditOfNothingKnownIsOurOwnFault) {
  blocks(R"([{"type":"text","text":"abc"},{"type":"redacted_thinking","data":"EmwK"}])");
  const StreamKey text = answer_->segments()[0].key;
  StreamKey unknown = text;
  unknown.block = 1;
  for (const StreamEdit& edit : {StreamEdit{text, {2, 4}, ""}, StreamEdit{unknown, {0, 1}, ""}}) {
    EXPECT_EQ(answer_->apply(std::span(&edit, 1)).error().kind, ErrorKind::internal);
  }
}

TEST_F(AnthropicAnswers, TheAccountAloneIsThatOfTheWhole) {
  const std::string_view bodies[] = {
      R"({"type":"message","content":[{"stop_reason":"no","usage":{}}],"stop_reason":"max_tokens",)"
      R"("usage":{"input_tokens":3,"cache_read_input_tokens":9,"output_tokens":4,"x":[1]}})",
      R"({"usage":{"cache_creation_input_tokens":4},"stop_reason":"tool_use"})",
      R"({"type":"message","usage":null,"stop_reason":null})",
      R"({"type":"message","usage":{"input_tokens":"3","output_tokens":4.0},"stop_reason":{}})",
      R"({"type":"message","stop_reason":"a b","usage":{"input_tokens":1}})",
      R"({"type":"message","us\u0061ge":{"input_tokens":3},"stop_reason":"end_turn"})",
      R"({"type":"message_start","message":{"usage":{"input_tokens":3}},"stop_reason":"x"})",
      R"({"usage":{"input_tokens":3},"stop_reason":"x","type":"message_delta"})",
      R"({"type":{"a":1},"stop_reason":"x"})",
      R"({"input_tokens":3})",
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
}

TEST_F(AnthropicAnswers, AnAccountThatComesTwiceIsNoAccount) {
  for (const std::string_view body :
       {R"({"usage":{"input_tokens":3},"usage":{"input_tokens":4}})",
        R"({"usage":{"input_tokens":3,"input_tokens":null}})",
        R"({"type":"message","type":"message"})",
        R"({"stop_reason":"end_turn","stop_reason":"end_turn"})", "{", ""}) {
    EXPECT_FALSE(answer_->read_account(body).ok()) << body;
  }
}

TEST_F(AnthropicAnswers, IsReusable) {
  EXPECT_EQ(blocks(R"([{"type":"redacted_thinking","data":"EmwK"}])"), Lines());
  EXPECT_FALSE(answer_->read("{").ok());
  EXPECT_EQ(blocks(R"([{"type":"text","text":"b"}])"), (Lines{"text 0 assistant prose: b"}));
  EXPECT_EQ(answer_->usage(), std::nullopt);
  EXPECT_EQ(answer_->bytes_not_examined(), 0U);
}

}  // namespace
}  // namespace davy::dialects
