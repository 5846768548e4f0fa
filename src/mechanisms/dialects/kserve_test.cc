#include "mechanisms/dialects/kserve.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <memory>
#include <string>

#include "mechanisms/dialects/testing_lines.h"

namespace davy::dialects {
namespace {

using testing::Lines;
using testing::list;
using testing::list_answer;
using testing::read_events;

constexpr std::uint8_t kInfer = 0;
constexpr std::uint8_t kGenerate = 1;

class KServeRequestTest : public ::testing::Test {
 protected:
  Lines read(std::string body, std::uint8_t operation = kInfer) {
    request_ = kserve().make_request(operation);
    body_ = std::move(body);
    const auto result = request_->read(body_);
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text());
    if (!result.ok()) return {};
    EXPECT_EQ(request_->apply({}).value(), body_);
    return list(*request_);
  }
  static std::string error(const std::string& body, std::uint8_t operation = kInfer) {
    const auto result = kserve().make_request(operation)->read(body);
    return result.ok() ? "ok" : result.error().text();
  }

  std::string body_;
  std::unique_ptr<RequestDocument> request_;
};

TEST_F(KServeRequestTest, ReadsTensors) {
  EXPECT_EQ(read(R"({"id":"42","inputs":[
      {"name":"text","shape":[2],"datatype":"BYTES","data":["hello world",["deep","é"]]},
      {"name":"amount","shape":[1,2],"datatype":"FP32","data":[0.70,1e4],
       "parameters":{"content_type":"np"}}],
    "outputs":[{"name":"label","parameters":{"classification":2,"note":"a b"}}],
    "parameters":{"who":"Ann"}})"),
            (Lines{"/inputs/0/data/0 field prose: hello world",
                   "/inputs/0/data/1/0 field structured: deep", "/inputs/0/data/1/1 field prose: é",
                   "/inputs/1/parameters/content_type field structured: np",
                   "/outputs/0/parameters/note field prose: a b",
                   "/parameters/who field structured: Ann"}));
  EXPECT_EQ(request_->model(), "");
  EXPECT_FALSE(request_->stream());
}

TEST_F(KServeRequestTest, EditsKeepEveryOtherByte) {
  read(
      R"({"inputs":[ {"name":"t","datatype":"BYTES","data":["call \u0035\u0035 now", "x"],"n":0.70}]})");
  const Edit edits[] = {{"/inputs/0/data/0", {5, 7}, "-"}};
  EXPECT_EQ(request_->apply(edits).value(),
            R"({"inputs":[ {"name":"t","datatype":"BYTES","data":["call - now", "x"],"n":0.70}]})");
}

TEST_F(KServeRequestTest, ReadsAPrompt) {
  EXPECT_EQ(read(R"({"id":"1","text_input":"hi","parameters":{"stream":true,"max_tokens":20,
                     "stop":"END"},"stream":true})",
                 kGenerate),
            (Lines{"/text_input user prose: hi", "/parameters/stop field structured: END"}));
  EXPECT_EQ(request_->max_output_tokens(), 20U);
  EXPECT_TRUE(request_->stream());
}

TEST_F(KServeRequestTest, WhatIsNoIdentifierIsExaminedWhereOneBelongs) {
  EXPECT_EQ(read(R"({"id":"ignore all","inputs":[{"name":"be bad","datatype":"x y","id":"z",
                     "data":"name"},"loose"],"name":"n","outputs":"o"})"),
            (Lines{"/id field prose: ignore all", "/inputs/0/name field prose: be bad",
                   "/inputs/0/datatype field prose: x y", "/inputs/0/id field structured: z",
                   "/inputs/0/data field structured: name", "/inputs/1 field prose: loose",
                   "/name field structured: n", "/outputs field structured: o"}));
}

TEST_F(KServeRequestTest, RefusesWhatIsNoRequestWithItsPlace) {
  EXPECT_NE(error("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(error("{}").find("`inputs`"), std::string::npos);
  EXPECT_TRUE(error("{\"id\":\"1\",\n\"inputs\":{}}").starts_with("line 2:10"));
  EXPECT_EQ(error("{}", kGenerate), "ok");
  // The binary data extension: bytes behind the JSON.
  EXPECT_NE(error("{\"inputs\":[]}\x01\x02"), "ok");
}

TEST_F(KServeRequestTest, APictureInATensorIsTextThatNobodyCanJudge) {
  std::string blob;
  while (blob.size() < 300) blob += "iVBORw0KGgoAAAANSUhEUg4e";
  read(R"({"inputs":[{"name":"i","datatype":"BYTES","data":[")" + blob + "\"]}]}");
  EXPECT_EQ(request_->bytes_not_examined(), blob.size());
}

TEST(KServeAnswer, EveryStringIsCompleteInItself) {
  EXPECT_EQ(list_answer(kserve(), kInfer, R"({"model_name":"m","model_version":"1","id":"42",
    "outputs":[{"name":"label","datatype":"BYTES","shape":[2],"data":["fraud","not sure"]},
               {"name":"p","datatype":"FP32","data":[0.1]}],"odd key":1})"),
            (Lines{"assistant structured: fraud", "assistant prose: not sure",
                   "assistant structured: odd key"}));
  EXPECT_EQ(list_answer(kserve(), kGenerate, R"({"model_name":"m","text_output":"hi"})"),
            (Lines{"assistant prose: hi"}));
  EXPECT_EQ(list_answer(kserve(), kInfer, R"({"error":"no such model"})"),
            (Lines{"assistant prose: no such model"}));
}

TEST(KServeAnswer, NamesArePlainInTheirPlaceOnly) {
  EXPECT_EQ(list_answer(kserve(), kInfer, R"({"x":{"outputs":[{"name":"a"}],"id":"b"},"name":"c",
    "outputs":[{"name":"d e","data":[{"name":"f"}]}]})"),
            (Lines{"assistant structured: a", "assistant structured: b", "assistant structured: c",
                   "assistant prose: d e", "assistant structured: f"}));
}

TEST(KServeAnswer, ABatchMayBeLarge) {
  std::string body = R"({"outputs":[{"name":"l","data":[)";
  for (int i = 0; i < 5000; ++i) body += "\"positive\",";
  body.pop_back();
  EXPECT_EQ(list_answer(kserve(), kInfer, body + "]}]}").size(), 5000U);
}

TEST(KServeStream, TextAtTheSamePlaceGoesOn) {
  const auto reader = kserve().make_stream(kGenerate);
  const auto piece = [](std::string_view text) {
    return R"(data: {"model_name":"m","model_version":"1","text_output":")" + std::string(text) +
           "\"}\n\n";
  };
  const auto events = read_events(*reader, piece("the key is 4") + piece("2"));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(list(events[0].segments), (Lines{"assistant prose: the key is 4…"}));
  EXPECT_EQ(events[1].segments[0].offset, 12U);
  const StreamEdit edits[] = {{events[0].segments[0].key, {11, 13}, "<N>"}};
  EXPECT_EQ(reader->apply(events[0], edits).value(), piece("the key is <N>"));
  EXPECT_EQ(reader->apply(events[1], edits).value(), piece(""));
}

TEST(KServe, ServesInferenceHealthAndMetadataAndNoAdministration) {
  EXPECT_TRUE(kserve().routes().empty());
  for (const Route& route : kserve().model_routes()) {
    EXPECT_EQ(route.upstream_path, "") << route.path;
    EXPECT_EQ(route.names, Names::path) << route.path;
    EXPECT_EQ(route.reading, route.method == "GET" ? Reading::none : Reading::documents);
    EXPECT_EQ(route.path.find("repository"), std::string_view::npos);
    EXPECT_LT(route.operation, kserve().operations());
  }
  const auto serves = [](std::string_view method, std::string_view path) {
    const auto routes = kserve().model_routes();
    return std::any_of(routes.begin(), routes.end(), [&](const Route& route) {
      return route.method == method && route.path == path;
    });
  };
  EXPECT_TRUE(serves("POST", "/v2/models/{}/infer"));
  EXPECT_TRUE(serves("POST", "/v2/models/{}/versions/{}/infer"));
  EXPECT_TRUE(serves("POST", "/v2/models/{}/generate_stream"));
  EXPECT_TRUE(serves("GET", "/v2/health/ready"));
  EXPECT_TRUE(serves("GET", "/v2/models/{}/versions/{}/ready"));
}

TEST(KServe, TheSizeOfTheJsonDoesNotOutliveAnEdit) {
  EXPECT_TRUE(kserve().repeats_body("Inference-Header-Content-Length"));
  EXPECT_FALSE(kserve().repeats_body("Content-Length"));
}

TEST(KServe, AnErrorIsAProblemWithTheMessageAsError) {
  Problem problem;
  problem.status = 403;
  problem.detail = "A tensor holds a forbidden phrase.";
  const auto body = boost::json::parse(kserve().error_body(problem, Detail::full)).as_object();
  EXPECT_EQ(body.at("status"), 403);
  EXPECT_EQ(body.at("error"), "A tensor holds a forbidden phrase.");
  EXPECT_EQ(kserve().catalogue({}, false), R"({"models":[]})");
}

}  // namespace
}  // namespace davy::dialects
