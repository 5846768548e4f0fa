#include "mechanisms/dialects/openai_data_answer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/testing.h"

namespace davy::dialects {
namespace {

class DataAnswer : public testing::Test {
 protected:
  void read(std::string body) {
    body_ = std::move(body);
    const auto result = answer_->read(body_);
    ASSERT_TRUE(result.ok()) << result.error().text();
    ASSERT_EQ(answer_->apply({}).value(), body_);
  }

  std::string body_;
  std::unique_ptr<AnswerDocument> answer_ = openai().make_answer(kOpenAiNumbers);
};

TEST_F(DataAnswer, VectorsAreNumbers) {
  read(R"({"object":"list","model":"m","data":[
    {"object":"embedding","index":0,"embedding":[0.1,-2e-3]},
    {"object":"embedding","index":1,"embedding":"zczMPQ=="},
    {"object":"embedding","index":2,"embedding":"no vector"}],
    "usage":{"prompt_tokens":8,"total_tokens":8}})");
  EXPECT_EQ(list(*answer_), (Lines{"assistant structured: no vector"}));
  EXPECT_EQ(answer_->bytes_not_examined(), 0U);
  EXPECT_EQ(answer_->usage(), (Usage{8, 0}));
  EXPECT_EQ(answer_->finish_reason(), "");
}

TEST_F(DataAnswer, ABatchOfVectorsIsNotTooManyValues) {
  std::string vector = "[0.1234567";
  for (int i = 0; i < 3071; ++i) vector += ",-0.0023064255";
  std::string body = R"({"data":[{"embedding":)" + vector + "]}";
  for (int i = 0; i < 200; ++i) body += R"(,{"embedding":)" + vector + "]}";
  read(body + R"(],"usage":{"prompt_tokens":3}})");
  EXPECT_TRUE(answer_->segments().empty());
  EXPECT_EQ(answer_->usage(), (Usage{3, 0}));
}

TEST_F(DataAnswer, PicturesAndSoundAreCounted) {
  read(R"({"created":1,"data":[{"b64_json":"iVBORw0=","revised_prompt":"a cat"},
    {"url":"https://x.y/z"}],"usage":{"input_tokens":3,"output_tokens":4}})");
  EXPECT_EQ(list(*answer_),
            (Lines{"assistant structured: a cat", "assistant structured: https://x.y/z"}));
  EXPECT_EQ(answer_->bytes_not_examined(), 8U);
  EXPECT_EQ(answer_->usage(), (Usage{3, 4}));
}

TEST_F(DataAnswer, WhatWasRankedIsADocument) {
  read(R"({"id":"r","results":[{"index":0,"relevance_score":0.9,"document":{"text":"a"}},
    {"index":1,"document":"b","note":"c"}]})");
  EXPECT_EQ(list(*answer_),
            (Lines{"document structured: a", "document structured: b", "assistant structured: c"}));
}

TEST_F(DataAnswer, NoTextEscapesBecauseItsPlaceIsUnknown) {
  read(
      R"({"error":{"message":"it broke"},"odd key":["a"],"results":[{"categories":{"a/b":true}}]})");
  EXPECT_EQ(list(*answer_),
            (Lines{"assistant structured: it broke", "assistant structured: odd key",
                   "assistant structured: a", "assistant structured: a/b"}));
  read(R"("a")");
  EXPECT_EQ(list(*answer_), (Lines{"assistant structured: a"}));
}

TEST_F(DataAnswer, EditsChangeTheirBytesAndNothingElse) {
  read(R"({"data":[{"embedding":[0.70, 1],"note":"my sk-1"}]})");
  const StreamEdit edits[] = {{answer_->segments()[0].key, {3, 7}, "<KEY>"}};
  EXPECT_EQ(answer_->apply(edits).value(),
            R"({"data":[{"embedding":[0.70, 1],"note":"my <KEY>"}]})");
}

TEST_F(DataAnswer, TheAccountAloneIsThatOfTheWhole) {
  for (
      const std::string_view body :
      {R"({"data":[{"usage":{"prompt_tokens":1}}],"usage":{"prompt_tokens":8,"total_tokens":8}})",
       R"({"usage":{"input_tokens":3,"output_tokens":4,"input_tokens_details":{"cached_tokens":1}}})",
       R"({"usage":{"prompt_tokens":3,"output_tokens":4}})", R"({"usage":[]})", "[]"}) {
    read(std::string(body));
    const auto usage = answer_->usage();
    ASSERT_TRUE(answer_->read_account(body).ok()) << body;
    EXPECT_EQ(answer_->usage(), usage) << body;
  }
  EXPECT_FALSE(answer_->read_account(R"({"usage":{},"usage":{}})").ok());
}

TEST_F(DataAnswer, AStreamOfPicturesIsCountedAndItsCutSaysWhy) {
  const auto reader = openai().make_stream(kOpenAiMedia);
  const std::string bytes =
      "event: image_generation.partial_image\n"
      R"(data: {"type":"image_generation.partial_image","b64_json":"iVBORw0="})"
      "\n\n"
      R"(data: {"type":"image_generation.completed","b64_json":"iVBO","usage":{"input_tokens":1}})"
      "\n\n";
  const StreamRead read = read_stream(*reader, bytes);
  EXPECT_EQ(read.raw, bytes);
  EXPECT_EQ(read.events[0].bytes_not_examined, 8U);
  EXPECT_EQ(read.events[1].usage, (Usage{1, 0}));
  EXPECT_TRUE(read.texts().empty());
  EXPECT_NE(reader->cut().find(R"("code":"content_filter")"), std::string::npos);
}

}  // namespace
}  // namespace davy::dialects
