// Answers of completions, whole and streamed: the walker is that of chat.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/testing.h"

namespace davy::dialects {
namespace {

constexpr StreamKey kText{0, kContentBlock, Provenance::assistant, TextKind::prose};

std::string chunk(const std::string& text, const std::string& more = "") {
  return R"(data: {"id":"cmpl-1","object":"text_completion","created":7,"model":"m","choices":[)"
         R"({"index":0,"text":")" +
         text + "\"" + more + "}]}\n\n";
}

TEST(Completions, ReadsTextUsageAndReason) {
  const auto answer = openai().make_answer(kOpenAiCompletions);
  const std::string body =
      R"({"id":"cmpl-1","object":"text_completion","created":7,"model":"m","choices":[
        {"index":0,"text":"a\n","logprobs":{"tokens":["a"]},"finish_reason":"length"},
        {"index":1,"text":"b","message":{"content":"c"}}],
        "usage":{"prompt_tokens":5,"completion_tokens":7}})";
  ASSERT_TRUE(answer->read(body).ok());
  EXPECT_EQ(list(*answer),
            (Lines{"assistant prose: a\n", "assistant prose: b", "assistant structured: c"}));
  EXPECT_EQ(answer->usage(), (Usage{5, 7}));
  EXPECT_EQ(answer->finish_reason(), "length");
  const StreamEdit edits[] = {{kText, {0, 1}, "-"}};
  EXPECT_NE(answer->apply(edits).value().find(R"("text":"-\n","logprobs":null,)"),
            std::string::npos);
  ASSERT_TRUE(answer->read_account(body).ok());
  EXPECT_EQ(answer->usage(), (Usage{5, 7}));
  EXPECT_EQ(answer->finish_reason(), "length");
}

TEST(Completions, StreamsTextAndIsCutInOrder) {
  const auto reader = openai().make_stream(kOpenAiCompletions);
  const std::string bytes = chunk("my s") + chunk("k-1", R"(,"logprobs":{"tokens":["k"]})") +
                            chunk("", R"(,"finish_reason":"stop")") + "data: [DONE]\n\n";
  const StreamRead read = read_stream(*reader, bytes);
  EXPECT_EQ(read.raw, bytes);
  EXPECT_EQ(read.texts(), (Lines{"assistant prose: my sk-1"}));
  EXPECT_EQ(read.events[2].finish_reason, "stop");
  EXPECT_TRUE(read.events[3].done);
  const std::vector<StreamEdit> edits = {{kText, {3, 7}, "<KEY>"}};
  std::string edited;
  for (const StreamEvent& event : read.events) edited += reader->apply(event, edits).value();
  EXPECT_EQ(edited, chunk("my <KEY>") + chunk("", R"(,"logprobs":null)") +
                        chunk("", R"(,"finish_reason":"stop")") + "data: [DONE]\n\n");
  EXPECT_EQ(reader->cut(),
            chunk("", R"(,"logprobs":null,"finish_reason":"content_filter")") + "data: [DONE]\n\n");
}

TEST(Completions, CountsThatNoServerCanMeanAreNone) {
  const auto answer = openai().make_answer(kOpenAiCompletions);
  const std::string body =
      R"({"choices":[],"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":7,
        "prompt_tokens_details":{"cached_tokens":9007199254740993}}})";
  ASSERT_TRUE(answer->read(body).ok());
  EXPECT_EQ(answer->usage(), (Usage{0, 7}));
  ASSERT_TRUE(answer->read_account(body).ok());
  EXPECT_EQ(answer->usage(), (Usage{0, 7}));
}

TEST(Completions, AStringOfLogprobsIsNoEcho) {
  const auto answer = openai().make_answer(kOpenAiCompletions);
  const std::string body = R"({"choices":[{"text":"a","logprobs":"b c"}]})";
  ASSERT_TRUE(answer->read(body).ok());
  EXPECT_EQ(list(*answer), (Lines{"assistant prose: a", "assistant structured: b c"}));
}

TEST(Completions, LinesThatAreNoDataCountUnlessTheyArePlain) {
  const auto reader = openai().make_stream(kOpenAiCompletions);
  const StreamRead read = read_stream(
      *reader,
      ": ping\n\n: keepalive\xE2\x80\xA8"
      "data: {\"x\":1}\xE2\x80\xA8\xE2\x80\xA8\n\n"
      "event: two words\ndata: {\"choices\":[]}\n\nx: y\ndata: no JSON\n\ny: z\ndata: [DONE]\n\n");
  ASSERT_EQ(read.events.size(), 5U);
  EXPECT_EQ(read.events[0].bytes_not_examined, 0U);
  EXPECT_EQ(read.events[1].bytes_not_examined, 33U);
  EXPECT_EQ(read.events[2].bytes_not_examined, 16U);
  EXPECT_EQ(read.events[3].bytes_not_examined, 11U);
  EXPECT_EQ(read.events[4].bytes_not_examined, 4U);
}

}  // namespace
}  // namespace davy::dialects
