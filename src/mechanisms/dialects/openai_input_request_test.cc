#include "mechanisms/dialects/openai_input_request.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/testing.h"

namespace davy::dialects {
namespace {

class InputRequest : public testing::Test {
 protected:
  void read(OpenAiOperation operation, std::string body) {
    body_ = std::move(body);
    request_ = openai().make_request(operation);
    const auto result = request_->read(body_);
    ASSERT_TRUE(result.ok()) << result.error().text();
    ASSERT_EQ(request_->apply({}).value(), body_);
  }
  static std::string error(OpenAiOperation operation, const std::string& body) {
    const auto result = openai().make_request(operation)->read(body);
    return result.ok() ? "ok" : result.error().text();
  }

  std::string body_;
  std::unique_ptr<RequestDocument> request_;
};

TEST_F(InputRequest, ACompletionHasAPromptAndASuffix) {
  read(kOpenAiCompletions, R"({"model":"m","prompt":"a","suffix":"b","stop":["c"],"user":"d",
    "max_tokens":7,"stream":true,"logprobs":1,"logit_bias":{"50256":-100}})");
  EXPECT_EQ(list(*request_), (Lines{"/prompt user prose: a", "/suffix user prose: b",
                                    "/stop/0 field structured: c", "/user field structured: d"}));
  EXPECT_EQ(request_->model(), "m");
  EXPECT_TRUE(request_->stream());
  EXPECT_EQ(request_->max_output_tokens(), 7U);
  EXPECT_EQ(request_->choices(), 1U);
  // `stream_options` is added for chat alone.
  EXPECT_FALSE(request_->lacks_usage());
}

TEST_F(InputRequest, EveryPromptIsAnsweredWithAllThatIsTried) {
  read(kOpenAiCompletions, R"({"model":"m","prompt":["a","b",[1,2]],"n":2,"best_of":4})");
  EXPECT_EQ(request_->choices(), 12U);
  read(kOpenAiCompletions, R"({"model":"m","prompt":[1,2,3],"n":2})");
  EXPECT_EQ(request_->choices(), 2U);
  read(kOpenAiCompletions, R"({"model":"m","prompt":[],"n":3})");
  EXPECT_EQ(request_->choices(), 3U);
  EXPECT_NE(error(kOpenAiCompletions,
                  R"({"model":"m","prompt":["a","b"],"best_of":18446744073709551615})")
                .find("too many prompts"),
            std::string::npos);
}

TEST_F(InputRequest, TokensAreTextThatNobodyHereCanRead) {
  for (const OpenAiOperation operation : {kOpenAiCompletions, kOpenAiNumbers}) {
    const std::string name = operation == kOpenAiCompletions ? "prompt" : "input";
    const auto with = [&](const std::string& value) {
      read(operation, R"({"model":"m",")" + name + "\":" + value + "}");
    };
    with("[15, 27,3]");
    EXPECT_EQ(list(*request_), (Lines{"/" + name + " user binary: "}));
    EXPECT_EQ(request_->bytes_not_examined(), 10U);
    with(R"([[1,2],"a",[3]])");
    EXPECT_EQ(list(*request_),
              (Lines{"/" + name + "/0 user binary: ", "/" + name + "/1 user prose: a",
                     "/" + name + "/2 user binary: "}));
    EXPECT_EQ(request_->bytes_not_examined(), 8U);
    with(R"([1,"a"])");
    EXPECT_EQ(list(*request_),
              (Lines{"/" + name + "/0 user binary: ", "/" + name + "/1 user prose: a"}));
    EXPECT_EQ(request_->bytes_not_examined(), 1U);
    with("[]");
    EXPECT_EQ(request_->bytes_not_examined(), 0U);
  }
}

TEST_F(InputRequest, ABatchOfTokensIsNotTooManyValues) {
  std::string tokens = "[1";
  for (int i = 0; i < 8000; ++i) tokens += ",100257";
  tokens += ']';
  std::string body = R"({"model":"m","input":[)" + tokens;
  for (int i = 0; i < 40; ++i) body += "," + tokens;
  read(kOpenAiNumbers, body + "]}");
  EXPECT_EQ(request_->segments().size(), 41U);
  EXPECT_EQ(request_->bytes_not_examined(), 41 * tokens.size());
}

TEST_F(InputRequest, EmbeddingsWriteNoToken) {
  read(kOpenAiNumbers, R"({"model":"m","input":["a","b"],"encoding_format":"base64","user":"u"})");
  EXPECT_EQ(list(*request_), (Lines{"/input/0 user prose: a", "/input/1 user prose: b",
                                    "/user field structured: u"}));
  EXPECT_EQ(request_->max_output_tokens(), 0U);
  EXPECT_FALSE(request_->stream());
}

TEST_F(InputRequest, ModerationsTakePictures) {
  read(kOpenAiNumbers, R"({"model":"m","input":[{"type":"text","text":"a"},
    {"type":"image_url","image_url":{"url":"data:x"}}]})");
  EXPECT_EQ(list(*request_),
            (Lines{"/input/0/text user prose: a", "/input/1/image_url/url user binary: "}));
  EXPECT_EQ(request_->bytes_not_examined(), 6U);
}

TEST_F(InputRequest, WhatIsRankedIsNotTheCallers) {
  read(kOpenAiNumbers, R"({"model":"m","query":"q","documents":["a",{"text":"b"}],"top_n":2})");
  EXPECT_EQ(list(*request_), (Lines{"/query user prose: q", "/documents/0 document prose: a",
                                    "/documents/1/text document prose: b"}));
  read(kOpenAiNumbers, R"({"model":"m","text_1":"q","text_2":["a","b"]})");
  EXPECT_EQ(list(*request_), (Lines{"/text_1 user prose: q", "/text_2/0 document prose: a",
                                    "/text_2/1 document prose: b"}));
}

TEST_F(InputRequest, MessagesAreReadAsThoseOfChat) {
  read(kOpenAiNumbers, R"({"model":"m","messages":[{"role":"system","content":"a"},
    {"role":"user","content":[{"type":"text","text":"b"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]})");
  EXPECT_EQ(list(*request_), (Lines{"/messages/0/content system prose: a",
                                    "/messages/1/content/0/text user prose: b",
                                    "/messages/1/content/1/image_url/url user binary: "}));
  EXPECT_EQ(request_->bytes_not_examined(), 26U);
}

TEST_F(InputRequest, WhatIsRankedMayHoldPictures) {
  read(kOpenAiNumbers, R"({"model":"m","query":{"content":[{"type":"text","text":"q"}]},
    "documents":{"content":[{"type":"image_url","image_url":{"url":"http://x/y"}},
                            {"type":"text","text":"a b"}]}})");
  EXPECT_EQ(list(*request_),
            (Lines{"/query/content/0/text user prose: q",
                   "/documents/content/0/image_url/url document structured: http://x/y",
                   "/documents/content/1/text document prose: a b"}));
  EXPECT_EQ(request_->bytes_not_examined(), 10U);
}

TEST_F(InputRequest, EmbeddingsInPlaceOfAPromptAreNotExamined) {
  for (const char* const value : {R"("abc=")", R"(["a","b"])", "[1,2]", R"({"x":"b"})"}) {
    read(kOpenAiCompletions,
         R"({"model":"m","prompt":"a","prompt_embeds":)" + std::string(value) + "}");
    EXPECT_EQ(list(*request_), (Lines{"/prompt user prose: a", "/prompt_embeds user binary: "}));
    EXPECT_GE(request_->bytes_not_examined(), 4U);
  }
}

TEST_F(InputRequest, APictureToWorkOnIsNotExamined) {
  read(kOpenAiMedia, R"({"model":"m","prompt":"a","image":"data:image/png;base64,AAAA"})");
  EXPECT_EQ(request_->segments().size(), 2U);
  EXPECT_EQ(request_->bytes_not_examined(), 26U);
  read(kOpenAiMedia, R"({"model":"m","images":["http://x/y",{"image_url":"data:x"},"a b"]})");
  EXPECT_EQ(list(*request_),
            (Lines{"/images/0 user structured: http://x/y",
                   "/images/1/image_url user binary: ", "/images/2 user structured: a b"}));
  EXPECT_EQ(request_->bytes_not_examined(), 16U);
}

TEST_F(InputRequest, ImagesAndSpeechBeginWithAText) {
  read(kOpenAiMedia, R"({"model":"m","prompt":"a cat","n":2,"size":"1024x1024","stream":true})");
  EXPECT_EQ(list(*request_), (Lines{"/prompt user prose: a cat"}));
  EXPECT_EQ(request_->choices(), 2U);
  EXPECT_TRUE(request_->stream());
  EXPECT_EQ(request_->max_output_tokens(), std::nullopt);
  read(kOpenAiMedia, R"({"model":"m","input":"say","voice":"alloy","instructions":"whisper"})");
  EXPECT_EQ(list(*request_),
            (Lines{"/input user prose: say", "/instructions user prose: whisper"}));
}

TEST_F(InputRequest, NothingEscapesBecauseItsPlaceIsUnknown) {
  for (const OpenAiOperation operation : {kOpenAiCompletions, kOpenAiNumbers, kOpenAiMedia}) {
    read(operation, R"({"model":"m","new":{"odd key":"a"},"voice":"not plain","input":{"x":"b"}})");
    EXPECT_EQ(
        list(*request_),
        (Lines{"/new/odd key~key field structured: odd key", "/new/odd key field structured: a",
               "/voice field structured: not plain", "/input/x user structured: b"}));
  }
}

TEST_F(InputRequest, RefusesWithPlaceAndAdvice) {
  for (const OpenAiOperation operation : {kOpenAiCompletions, kOpenAiNumbers, kOpenAiMedia}) {
    EXPECT_NE(error(operation, "[]").find("not a JSON object"), std::string::npos);
    EXPECT_NE(error(operation, R"({"prompt":"x"})").find("`model`"), std::string::npos);
    EXPECT_NE(error(operation, R"({"model":"m","fallbacks":["b"]})").find("another model"),
              std::string::npos);
    EXPECT_NE(error(operation, R"({"model":"m","n":0})").find("`n`"), std::string::npos);
    EXPECT_NE(error(operation, R"({"model":"m","stream":1})").find("`stream`"), std::string::npos);
  }
}

}  // namespace
}  // namespace davy::dialects
