#include "mechanisms/dialects/openai_answer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "mechanisms/dialects/openai.h"

namespace davy::dialects {
namespace {

constexpr StreamKey kText{0, kContentBlock, Provenance::assistant, TextKind::prose};

class Answer : public testing::Test {
 protected:
  void read(std::string body) {
    body_ = std::move(body);
    const auto result = answer_->read(body_);
    ASSERT_TRUE(result.ok()) << result.error().text();
  }
  // "choice/block: text" for each piece.
  std::vector<std::string> list() const {
    std::vector<std::string> out;
    for (const StreamSegment& piece : answer_->segments()) {
      out.push_back(std::to_string(piece.key.choice) + "/" + std::to_string(piece.key.block) +
                    ": " + std::string(piece.text));
    }
    return out;
  }
  static std::string other(std::uint32_t number) { return std::to_string(kOtherBlock + number); }

  std::string body_;
  std::unique_ptr<AnswerDocument> answer_ = openai().make_answer(0);
};

using Lines = std::vector<std::string>;

TEST_F(Answer, ReadsTextRefusalAndToolCalls) {
  read(R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[
    {"index":0,"message":{"role":"assistant","content":"a\n","refusal":null},"finish_reason":"stop"},
    {"index":1,"message":{"role":"assistant","content":null,"refusal":"no","tool_calls":[
      {"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
      {"id":"c2","type":"custom","custom":{"name":"g","input":"raw"}}]},"finish_reason":"tool_calls"}],
    "usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}})");
  EXPECT_EQ(list(), (Lines{"0/0: a\n", "1/" + std::to_string(kRefusalBlock) + ": no",
                           "1/" + std::to_string(kToolNameBlock) + ": f", "1/1: {\"x\":1}",
                           "1/" + std::to_string(kToolNameBlock + 1) + ": g", "1/2: raw"}));
  for (const StreamSegment& piece : answer_->segments()) {
    EXPECT_TRUE(piece.last);
    EXPECT_EQ(piece.offset, 0U);
  }
  EXPECT_EQ(answer_->segments()[3].key.provenance, Provenance::tool_call);
  EXPECT_EQ(answer_->usage(), (Usage{5, 7}));
  EXPECT_EQ(answer_->finish_reason(), "stop");
  EXPECT_EQ(answer_->bytes_not_examined(), 0U);
}

TEST_F(Answer, NoTextEscapesBecauseItsPlaceIsUnknown) {
  read(R"({"id":"i","choices":[{"index":0,"message":{"content":[{"kind":"text","text":"a"}],
    "reasoning_content":"b","annotations":[{"id":"sk-1","url":"c d"}]},"note":"e f"}],
    "citations":["https://g h"],"error":{"message":"upstream said"},"x y":1})");
  EXPECT_EQ(list(),
            (Lines{"0/" + other(0) + ": text", "0/" + other(1) + ": a", "0/" + other(2) + ": b",
                   "0/" + other(3) + ": sk-1", "0/" + other(4) + ": c d", "0/" + other(5) + ": e f",
                   "0/" + other(6) + ": https://g h", "0/" + other(7) + ": upstream said",
                   "0/" + other(8) + ": x y"}));
}

TEST_F(Answer, PlacesInsideAndOutsideAChoiceAreNotTheSame) {
  read(R"({"choices":[{"message":{"note":"a b"}}],"message":{"note":"c d"}})");
  EXPECT_EQ(list(), (Lines{"0/" + other(0) + ": a b", "0/" + other(1) + ": c d"}));
}

TEST_F(Answer, AudioIsCountedAndItsTranscriptRead) {
  read(R"({"choices":[{"message":{"audio":{"id":"a1","data":"AAAA","transcript":"hi there"}}}]})");
  EXPECT_EQ(list(), (Lines{"0/" + other(0) + ": hi there"}));
  EXPECT_EQ(answer_->bytes_not_examined(), 4U);
}

TEST_F(Answer, AcceptsHalfCharactersThatModelsEmit) {
  read(R"({"choices":[{"message":{"content":"x\ud83d"}}]})");
  EXPECT_EQ(list(), (Lines{"0/0: x\xEF\xBF\xBD"}));
}

TEST_F(Answer, EditsChangeTheirBytesAndNothingElse) {
  read(R"({ "t":0.7, "choices":[{"message":{"content":"my key is\n sk-1 ok"}}] , "n":1e400})");
  EXPECT_EQ(answer_->apply({}).value(), body_);
  const StreamEdit edits[] = {{kText, {11, 15}, "<KEY>"}};
  EXPECT_EQ(
      answer_->apply(edits).value(),
      R"({ "t":0.7, "choices":[{"message":{"content":"my key is\n <KEY> ok"}}] , "n":1e400})");
}

TEST_F(Answer, AnEditAlsoClearsTheEchoInLogprobs) {
  read(
      R"({"choices":[{"index":0,"message":{"content":"ab"},"logprobs":{"content":[{"token":"ab"}]}},)"
      R"({"index":1,"logprobs":{"content":[{"token":"cd"}]},"message":{"content":"cd"}}]})");
  EXPECT_EQ(list(), (Lines{"0/0: ab", "1/0: cd"}));
  const StreamEdit edits[] = {{kText, {0, 2}, "--"}};
  EXPECT_EQ(answer_->apply(edits).value(),
            R"({"choices":[{"index":0,"message":{"content":"--"},"logprobs":null},)"
            R"({"index":1,"logprobs":{"content":[{"token":"cd"}]},"message":{"content":"cd"}}]})");
}

TEST_F(Answer, TwoChoicesWithOneNumberAreOneStream) {
  read(
      R"({"choices":[{"index":0,"message":{"content":"ab"}},{"index":0,"message":{"content":"cd"}}]})");
  ASSERT_EQ(answer_->segments().size(), 2U);
  EXPECT_EQ(answer_->segments()[1].offset, 2U);
  EXPECT_FALSE(answer_->segments()[0].last);
  EXPECT_TRUE(answer_->segments()[1].last);
  const StreamEdit edits[] = {{kText, {1, 3}, "-"}};
  EXPECT_EQ(
      answer_->apply(edits).value(),
      R"({"choices":[{"index":0,"message":{"content":"a-"}},{"index":0,"message":{"content":"d"}}]})");
}

TEST_F(Answer, AnEditOfNothingKnownIsOurOwnFault) {
  read(R"({"choices":[{"message":{"content":"abc"}}]})");
  StreamKey unknown = kText;
  unknown.choice = 4;
  for (const StreamEdit& edit : {StreamEdit{kText, {2, 4}, ""}, StreamEdit{unknown, {0, 1}, ""},
                                 StreamEdit{kText, {4, 4}, "x"}}) {
    EXPECT_EQ(answer_->apply(std::span(&edit, 1)).error().kind, ErrorKind::internal);
  }
}

TEST_F(Answer, ToolCallNumbersBeyondTheBoundAreRefused) {
  const auto result = answer_->read(
      R"({"choices":[{"message":{"tool_calls":[{"index":5000,"function":{"arguments":"x"}}]}}]})");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::limit);
}

TEST_F(Answer, TheAccountAloneIsThatOfTheWhole) {
  const std::string_view bodies[] = {
      R"({"choices":[{"finish_reason":null},{"finish_reason":"stop","x":{"finish_reason":"no"}},)"
      R"({"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"x":[1]}})",
      R"({"usage":null,"choices":[]})",
      R"({"usage":{"prompt_tokens":"3","completion_tokens":4.0},"choices":{}})",
      R"({"us\u0061ge":{"prompt_tokens":3},"choices":[{"finish_reason":"a b"}]})",
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

TEST_F(Answer, AnAccountThatComesTwiceIsNoAccount) {
  for (const std::string_view body :
       {R"({"usage":{"prompt_tokens":3},"usage":{"prompt_tokens":4}})",
        R"({"usage":{"prompt_tokens":3,"prompt_tokens":4}})",
        R"({"choices":[{"finish_reason":"stop","finish_reason":"length"}]})", "{", ""}) {
    EXPECT_FALSE(answer_->read_account(body).ok()) << body;
  }
}

TEST_F(Answer, ABlobIsTextThatNobodyCanJudge) {
  std::string blob;
  while (blob.size() < 256) blob += "iVBORw0KGgoAAAANSUhEUg4e";
  read(R"({"choices":[{"index":0,"message":{"content":"a","images":[{"image_url":
    {"url":"data:image/png;base64,AAAA"}}],"new":")" +
       blob + R"("}}]})");
  EXPECT_EQ(answer_->bytes_not_examined(), 26 + blob.size());
}

}  // namespace
}  // namespace davy::dialects
