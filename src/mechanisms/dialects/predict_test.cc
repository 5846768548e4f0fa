#include "mechanisms/dialects/predict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "mechanisms/dialects/loose_text.h"
#include "mechanisms/dialects/sse.h"
#include "mechanisms/dialects/testing_lines.h"

namespace davy::dialects {
namespace {

using testing::Lines;
using testing::list;
using testing::list_answer;
using testing::read_events;

const std::string kBlob = [] {
  std::string blob;
  while (blob.size() < 256) blob += "iVBORw0KGgoAAAANSUhEUg4e";
  return blob;
}();

class PredictRequestTest : public ::testing::Test {
 protected:
  Lines read(std::string body) {
    body_ = std::move(body);
    const auto result = request_->read(body_);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text());
    if (!result.ok()) return {};
    EXPECT_EQ(request_->apply({}).value(), body_);
    return list(*request_);
  }

  std::string body_;
  std::unique_ptr<RequestDocument> request_ = predict().make_request(0);
};

TEST_F(PredictRequestTest, EveryStringAtAnyDepthIsAField) {
  EXPECT_EQ(read(R"({"amount": 12.50, "country":"FR","tags":["a",{"note":"b c"}],"none":null,
                     "empty":"","deep":{"er":[["x"]]}})"),
            (Lines{"/country field structured: FR", "/tags/0 field structured: a",
                   "/tags/1/note field prose: b c", "/deep/er/0/0 field structured: x"}));
}

TEST_F(PredictRequestTest, TheRootMayBeAnyValue) {
  EXPECT_EQ(read(R"(["one","two words"])"),
            (Lines{"/0 field structured: one", "/1 field prose: two words"}));
  EXPECT_EQ(read(R"("ignore this")"), (Lines{" field prose: ignore this"}));
  EXPECT_EQ(read("42"), Lines{});
  EXPECT_EQ(read("null"), Lines{});
}

TEST_F(PredictRequestTest, ARootStringCanBeEdited) {
  read(R"( "call 555 now" )");
  const Edit edits[] = {{"", {5, 8}, "-"}};
  EXPECT_EQ(request_->apply(edits).value(), R"( "call - now" )");
}

TEST_F(PredictRequestTest, WhatTextsAreCalledMakesThemProse) {
  EXPECT_EQ(read(R"({"text":"hi","inputs":["a","b"],"instances":[{"x":"c","prompt":"d"},"e"],
                     "id":"f","q":[["g"]]})"),
            (Lines{"/text field prose: hi", "/inputs/0 field prose: a", "/inputs/1 field prose: b",
                   "/instances/0/x field structured: c", "/instances/0/prompt field prose: d",
                   "/instances/1 field prose: e", "/id field structured: f",
                   "/q/0/0 field structured: g"}));
}

TEST_F(PredictRequestTest, ASentenceIsProseInEverySpelling) {
  EXPECT_EQ(read(R"({"a":"be\u0020bad","b":"be\tbad","c":"\u0062e","d":"sé","e":"be_bad"})"),
            (Lines{"/a field prose: be bad", "/b field prose: be\tbad", "/c field prose: be",
                   "/d field prose: sé", "/e field structured: be_bad"}));
}

TEST_F(PredictRequestTest, KeysAreTextUnlessTheyArePlainNames) {
  EXPECT_EQ(read(R"({"bob@example.com":{"is a":1},"plain_name":2})"),
            (Lines{"/bob@example.com~key field structured: bob@example.com",
                   "/bob@example.com/is a~key field structured: is a"}));
}

TEST_F(PredictRequestTest, NoIdentifierIsPassedOnWithoutALook) {
  EXPECT_EQ(read(R"({"model":"m","role":"user","id":"x"})"),
            (Lines{"/model field structured: m", "/role field structured: user",
                   "/id field structured: x"}));
}

TEST_F(PredictRequestTest, WhatTheBodyCallsModelIsNotRewritten) {
  read(R"({"model": "gold-card", "stream": true})");
  EXPECT_EQ(request_->model(), "");
  EXPECT_TRUE(request_->stream());
  Rewrite rewrite;
  rewrite.model = "fraud";
  EXPECT_EQ(request_->apply({}, rewrite).value(), body_);
}

TEST_F(PredictRequestTest, SettingsOfOtherFormsAreNoErrors) {
  read(R"({"stream":"yes","n":"many","max_tokens":1.5})");
  EXPECT_FALSE(request_->stream());
  EXPECT_EQ(request_->choices(), 1U);
  EXPECT_EQ(request_->max_output_tokens(), std::nullopt);
}

TEST_F(PredictRequestTest, ReadsTheLimitOfEachServer) {
  const std::pair<const char*, std::uint64_t> bodies[] = {
      {R"({"inputs":"a","parameters":{"max_new_tokens":20}})", 20},  // TGI
      {R"({"prompt":"a","options":{"num_predict":30}})", 30},        // Ollama
      {R"({"prompt":"a","n_predict":40})", 40},                      // llama.cpp
      {R"({"contents":[],"generationConfig":{"maxOutputTokens":50}})", 50},
      {R"({"max_tokens":7,"parameters":{"max_new_tokens":9}})", 9}};
  for (const auto& [body, limit] : bodies) {
    read(body);
    EXPECT_EQ(request_->max_output_tokens(), limit) << body;
  }
}

TEST_F(PredictRequestTest, AnImageInBase64IsTextThatNobodyCanJudge) {
  EXPECT_EQ(read(R"({"instances":[{"image_bytes":{"b64":")" + kBlob + R"("}}]})").size(), 1U);
  EXPECT_EQ(request_->bytes_not_examined(), kBlob.size());
  EXPECT_EQ(read(R"({"image":"data:image/png;base64,AAAA"})").size(), 1U);
  EXPECT_EQ(request_->bytes_not_examined(), 26U);
  read(R"({"dna":")" + std::string(5000, 'A') + R"("})");
  EXPECT_EQ(request_->bytes_not_examined(), 0U);
}

TEST(LooseText, ABlobIsLongAndOfThreeKindsOfCharacters) {
  EXPECT_TRUE(is_blob(kBlob));
  EXPECT_FALSE(is_blob(kBlob.substr(0, 200)));
  EXPECT_FALSE(is_blob(std::string(300, 'a') + std::string(300, '7')));  // a long digest
  EXPECT_FALSE(is_blob("data: is what we need; so base64, please"));
  EXPECT_TRUE(is_blob("data:;base64,QQ=="));
}

// `text` with `between` after every `width` bytes.
std::string broken(std::string_view text, std::size_t width, std::string_view between) {
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(width, text.size()))) {
    out += text.substr(0, width);
    out += between;
  }
  return out;
}

TEST(LooseText, ABlobIsOneInEverySpelling) {
  EXPECT_TRUE(is_blob(kBlob + " "));
  EXPECT_TRUE(is_blob(broken(kBlob, 76, "\\n")));  // MIME
  EXPECT_TRUE(is_blob(broken(kBlob, 64, "\\r\\n")));
  EXPECT_TRUE(is_blob(broken(kBlob, 20, " ")));
  EXPECT_TRUE(is_blob(broken(kBlob, 40, "\\/")));  // as PHP writes it
  EXPECT_TRUE(is_blob(broken(kBlob, 40, "\\u0041")));
  EXPECT_TRUE(is_blob("DATA:image/png;BASE64,QQ=="));
  EXPECT_TRUE(is_blob("\\n d\\u0061ta:image\\/png;base\\n64,QQ=="));
  EXPECT_FALSE(is_blob(broken(kBlob, 40, "\\\"")));
  EXPECT_FALSE(is_blob(broken(kBlob, 40, "\xC3\xA9")));
}

TEST(LooseText, WordsAreNoBlobWithoutPunctuationEither) {
  std::string words;
  for (int i = 0; i < 100; ++i) words += "We paid 300 for iPhones ";
  EXPECT_FALSE(is_blob(words));
  EXPECT_FALSE(is_blob(broken(kBlob, 8, " ")));
}

TEST_F(PredictRequestTest, ATensorOfAMillionNumbersIsOneValue) {
  std::string numbers = "0.5";
  for (int i = 1; i < 1'000'000; ++i) numbers += ",0.5";
  EXPECT_EQ(read(R"({"instances":[[)" + numbers + R"(],[")" + "a b" + R"("]]})"),
            (Lines{"/instances/1/0 field prose: a b"}));
  EXPECT_EQ(list_answer(predict(), 0, R"({"predictions":[[)" + numbers + R"(]],"label":"x"})"),
            (Lines{"assistant structured: x"}));
}

TEST_F(PredictRequestTest, WhatIsNoJsonIsRefusedWithItsPlace) {
  const auto result = request_->read("{\"text\":\n oops}");
  ASSERT_FALSE(result.ok());
  EXPECT_TRUE(result.error().text().starts_with("line 2:2")) << result.error().text();
  EXPECT_EQ(result.error().text().find("oops"), std::string::npos);
}

// --- answers

TEST(PredictAnswer, EveryStringIsCompleteInItself) {
  EXPECT_EQ(list_answer(predict(), 0,
                        R"({"predictions":[{"label":"fraud","why":"new card"},{"label":"ok"}],
                            "a b":1,"score":0.70})"),
            (Lines{"assistant structured: fraud", "assistant prose: new card",
                   "assistant structured: ok", "assistant structured: a b"}));
  EXPECT_EQ(list_answer(predict(), 0, R"(["a",["b c"]])"),
            (Lines{"assistant structured: a", "assistant prose: b c"}));
  EXPECT_EQ(list_answer(predict(), 0, "0.5"), Lines{});
}

TEST(PredictAnswer, ABatchMayBeLarge) {
  std::string body = "[";
  for (int i = 0; i < 5000; ++i) body += R"({"label":"positive"},)";
  body.back() = ']';
  EXPECT_EQ(list_answer(predict(), 0, body).size(), 5000U);
}

TEST(PredictAnswer, EditsKeepEveryOtherByte) {
  const auto answer = predict().make_answer(0);
  const std::string body = R"({ "who":"Ann","also":["Ann","x Ann y"], "n":0.70,"big":1e400 })";
  ASSERT_TRUE(answer->read(body).ok());
  EXPECT_EQ(testing::redact_answer(*answer, "Ann", "<P>"),
            R"({ "who":"<P>","also":["<P>","x <P> y"], "n":0.70,"big":1e400 })");
}

TEST(PredictAnswer, TokensOfATextAreOneText) {
  const auto answer = predict().make_answer(0);
  const std::string body =
      R"({"generated_text":"key 42!","details":{"finish_reason":"length","generated_tokens":3,)"
      R"("prefill":[{"id":1,"text":"Say"}],"tokens":[{"id":2,"text":"key"},{"id":3,"text":" 4"},)"
      R"({"id":4,"text":"2!"}]}})";
  ASSERT_TRUE(answer->read(body).ok());
  EXPECT_EQ(
      list(answer->segments()),
      (Lines{"assistant prose: key 42!", "assistant structured: length", "assistant prose: Say",
             "assistant prose: key…", "assistant prose:  4…", "assistant prose: 2!"}));
  std::vector<StreamEdit> edits = {{answer->segments()[0].key, {4, 6}, "<N>"},
                                   {answer->segments()[3].key, {4, 6}, "<N>"}};
  EXPECT_EQ(answer->apply(edits).value(),
            R"({"generated_text":"key <N>!","details":{"finish_reason":"length",)"
            R"("generated_tokens":3,"prefill":[{"id":1,"text":"Say"}],"tokens":)"
            R"([{"id":2,"text":"key"},{"id":3,"text":" <N>"},{"id":4,"text":"!"}]}})");
  EXPECT_EQ(answer->usage(), (Usage{1, 3}));
  EXPECT_EQ(answer->finish_reason(), "length");
}

TEST(PredictAnswer, ReadsUsageInEachShape) {
  struct Case {
    const char* body;
    std::optional<Usage> usage;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"score":0.1})", std::nullopt, ""},
      {R"({"usage":{"prompt_tokens":5,"completion_tokens":6,)"
       R"("prompt_tokens_details":{"cached_tokens":2}},"choices":[{"finish_reason":"stop"}]})",
       Usage{5, 6, 2}, "stop"},
      {R"({"usage":{"input_tokens":5,"output_tokens":6},"stop_reason":"end_turn"})", Usage{5, 6},
       "end_turn"},
      {R"([{"generated_text":"a","details":{"finish_reason":"eos_token","generated_tokens":4,)"
       R"("prefill":[]}},{"generated_text":"b","details":{"generated_tokens":3}}])",
       Usage{0, 7}, "eos_token"},
      {R"({"response":"a","done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":9})",
       Usage{26, 9}, "stop"},
      {R"({"content":"a","tokens_evaluated":3,"tokens_predicted":8,"stop_type":"limit"})",
       Usage{3, 8}, "limit"},
      {R"({"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":2,)"
       R"("candidatesTokenCount":3,"cachedContentTokenCount":1}})",
       Usage{2, 3, 1}, "STOP"},
      {R"({"usage":{"input_tokens":10,"cache_read_input_tokens":5000,)"
       R"("cache_creation_input_tokens":100,"output_tokens":6}})",
       Usage{5110, 6, 5000}, ""},
      {R"({"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},)"
       R"("output_tokens":6}})",
       Usage{10, 6, 4}, ""},
      {R"({"usageMetadata":{"promptTokenCount":2,"toolUsePromptTokenCount":5,)"
       R"("candidatesTokenCount":20,"thoughtsTokenCount":500}})",
       Usage{7, 520}, ""},
      {R"({"usage":{"prompt_tokens":18446744073709551615,"completion_tokens":2}})", Usage{0, 2},
       ""},
      {R"([{"usage":{"prompt_tokens":9007199254740992}},{"usage":{"prompt_tokens":2}}])",
       Usage{9007199254740992U, 0}, ""},
      {R"({"text":"a","meta":{"billed_units":{"input_tokens":2,"output_tokens":3}}})", Usage{2, 3},
       ""},
      {R"({"finish_reason":"be nice to me","usage":{"prompt_tokens":"x"}})", std::nullopt, ""},
  };
  for (const Case& each : cases) {
    const auto answer = predict().make_answer(0);
    ASSERT_TRUE(answer->read(each.body).ok());
    EXPECT_EQ(answer->usage(), each.usage) << each.body;
    EXPECT_EQ(answer->finish_reason(), each.reason) << each.body;
    ASSERT_TRUE(answer->read_account(each.body).ok());
    EXPECT_EQ(answer->usage(), each.usage) << each.body;
  }
}

TEST(PredictAnswer, LinesOfJsonAreNotInTheDialect) {
  EXPECT_FALSE(predict().make_answer(0)->read("{\"a\":1}\n{\"a\":2}\n").ok());
}

TEST(PredictAnswer, AnImageCounts) {
  const auto answer = predict().make_answer(0);
  ASSERT_TRUE(answer->read("{\"image\":\"" + kBlob + "\"}").ok());
  EXPECT_EQ(answer->bytes_not_examined(), kBlob.size());
}

// --- streams

// What Hugging Face TGI sends for that piece of text.
std::string token(std::string_view text, std::string_view more = R"("generated_text":null,)"
                                                                 R"("details":null)") {
  return R"(data:{"index":1,"token":{"id":7,"text":")" + std::string(text) +
         R"(","logprob":-0.2,"special":false},)" + std::string(more) + "}\n\n";
}

TEST(PredictStream, TextAtTheSamePlaceGoesOn) {
  const auto reader = predict().make_stream(0);
  const std::string bytes =
      token("my key") + token(" is 4") +
      token("2", R"("generated_text":"my key is 42","details":{"finish_reason":"length",)"
                 R"("generated_tokens":3,"input_length":12})");
  const auto events = read_events(*reader, bytes);
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(list(events[1].segments), (Lines{"assistant prose:  is 4…"}));
  EXPECT_EQ(events[1].segments[0].offset, 6U);
  EXPECT_EQ(
      list(events[2].segments),
      (Lines{"assistant prose: 2…", "assistant prose: my key is 42…", "assistant prose: length…"}));
  EXPECT_EQ(events[2].usage, (Usage{12, 3}));
  EXPECT_EQ(events[2].finish_reason, "length");
  EXPECT_TRUE(events[3].done);
  EXPECT_EQ(events[3].segments.size(), 3U);

  const StreamEdit edits[] = {{events[0].segments[0].key, {10, 12}, "<N>"},
                              {events[2].segments[1].key, {10, 12}, "<N>"}};
  std::string out;
  for (const StreamEvent& event : events) out += reader->apply(event, edits).value();
  EXPECT_EQ(out, token("my key") + token(" is <N>") +
                     token("", R"("generated_text":"my key is <N>","details":{"finish_reason":)"
                               R"("length","generated_tokens":3,"input_length":12})"));
}

TEST(PredictStream, CountsAreToldPieceByPiece) {
  const auto reader = predict().make_stream(0);
  const auto events =
      read_events(*reader,
                  "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":10,"
                  "\"cache_read_input_tokens\":5000,\"cache_creation_input_tokens\":100,"
                  "\"output_tokens\":1}}}\n\n"
                  "data: {\"type\":\"x\"}\n\n"
                  "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":15}}\n\n");
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events[0].usage, (Usage{5110, 1, 5000}));
  EXPECT_EQ(events[1].usage, std::nullopt);
  EXPECT_EQ(events[2].usage, (Usage{5110, 15, 5000}));
}

TEST(PredictStream, ACutIsAnErrorEvent) {
  const auto reader = predict().make_stream(0);
  SseParser parser;
  parser.feed(reader->cut());
  SseEvent event;
  ASSERT_TRUE(parser.next(event).value());
  const auto data = boost::json::parse(event.data).as_object();
  EXPECT_EQ(data.at("error_type"), "content_filter");
  EXPECT_TRUE(data.at("error").is_string());
}

// --- the dialect

TEST(Predict, ServesEveryPathBelowAModelAndNoneBeside) {
  EXPECT_TRUE(predict().routes().empty());
  ASSERT_EQ(predict().model_routes().size(), 1U);
  const Route& route = predict().model_routes()[0];
  EXPECT_EQ(route.method, "*");
  EXPECT_EQ(route.path, "*");
  EXPECT_EQ(route.upstream_path, "");
  EXPECT_TRUE(predict().plain_parameter("version"));
  EXPECT_FALSE(predict().plain_parameter("text"));
}

TEST(Predict, AnErrorIsAProblemWithTheMessageAsErrorToo) {
  Problem problem;
  problem.status = 403;
  problem.code = "policy_denied";
  problem.title = "Refused by policy";
  problem.detail = "A \"field\" holds a forbidden phrase.";
  problem.request_id = "req_1";
  problem.rule = "guardrails.sanitize.phrase";
  const auto body = boost::json::parse(predict().error_body(problem, Detail::full)).as_object();
  EXPECT_EQ(body.at("status"), 403);
  EXPECT_EQ(body.at("rule"), "guardrails.sanitize.phrase");
  EXPECT_EQ(body.at("code"), "policy_denied");
  EXPECT_EQ(body.at("error"), "A \"field\" holds a forbidden phrase. (request id req_1)");
  const std::string minimal = predict().error_body(problem, Detail::minimal);
  EXPECT_EQ(minimal.find("phrase"), std::string::npos);
  EXPECT_EQ(predict().stream_error(0, problem, Detail::full),
            "data: " + predict().error_body(problem, Detail::full) + "\n\n");
  EXPECT_EQ(predict().catalogue({}, false), R"({"models":[]})");
}

}  // namespace
}  // namespace davy::dialects
