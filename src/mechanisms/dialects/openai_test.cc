#include "mechanisms/dialects/openai.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

Problem denied() {
  Problem problem;
  problem.status = 403;
  problem.code = "policy_denied";
  problem.title = "Refused by policy";
  problem.detail = "The prompt holds a forbidden phrase.";
  problem.next_step = "Run davy why.";
  problem.request_id = "req_1";
  problem.rule = "guardrails.sanitize.phrase";
  problem.stage = "guardrails.sanitize";
  problem.policy = "abc";
  return problem;
}

TEST(OpenAi, ServesChatCompletions) {
  EXPECT_EQ(openai().name(), "openai");
  EXPECT_EQ(openai().routes()[0].path, "/v1/chat/completions");
}

TEST(OpenAi, ServesEachOperationOnEachOfItsPaths) {
  const auto routes = [](std::span<const Route> all, std::string_view path) {
    for (const Route& route : all) {
      if (route.path == path && route.method == "POST") return &route;
    }
    return static_cast<const Route*>(nullptr);
  };
  for (const auto& [path, operation] :
       {std::pair{"/chat/completions", kOpenAiChat}, std::pair{"/responses", kOpenAiResponses},
        std::pair{"/completions", kOpenAiCompletions}, std::pair{"/embeddings", kOpenAiNumbers},
        std::pair{"/images/generations", kOpenAiMedia}}) {
    for (const char* prefix : {"/v1", "/openai/v1", "/openai/deployments/{model}"}) {
      const Route* route = routes(openai().routes(), std::string(prefix) + path);
      ASSERT_NE(route, nullptr) << prefix << path;
      EXPECT_EQ(route->operation, operation);
      EXPECT_EQ(route->upstream_path, path);
      EXPECT_EQ(route->names, std::string_view(prefix).ends_with('}') ? Names::path : Names::body);
    }
    EXPECT_NE(routes(openai().model_routes(), path), nullptr);
    EXPECT_NE(routes(openai().model_routes(), std::string("/v1") + path), nullptr);
  }
  for (const Route& route : openai().routes()) {
    EXPECT_LT(route.operation, openai().operations()) << route.path;
  }
}

TEST(OpenAi, ListsModels) {
  const std::string_view names[] = {"chat", "a\"b"};
  EXPECT_EQ(openai().catalogue(names, false),
            R"({"object":"list","data":[)"
            R"({"id":"chat","object":"model","created":0,"owned_by":"davylamp"},)"
            R"({"id":"a\"b","object":"model","created":0,"owned_by":"davylamp"}]})");
  EXPECT_EQ(openai().catalogue(names, true),
            R"({"id":"chat","object":"model","created":0,"owned_by":"davylamp"})");
}

TEST(OpenAi, AnErrorIsAProblemAndWhatSdksRead) {
  const auto body = boost::json::parse(openai().error_body(denied(), Detail::full)).as_object();
  EXPECT_EQ(body.at("type"), "about:blank");
  EXPECT_EQ(body.at("title"), "Refused by policy");
  EXPECT_EQ(body.at("status"), 403);
  EXPECT_EQ(body.at("detail"), "The prompt holds a forbidden phrase.");
  EXPECT_EQ(body.at("request_id"), "req_1");
  EXPECT_EQ(body.at("rule"), "guardrails.sanitize.phrase");
  EXPECT_EQ(body.at("stage"), "guardrails.sanitize");
  EXPECT_EQ(body.at("policy"), "abc");
  EXPECT_EQ(body.at("next_step"), "Run davy why.");
  const auto& error = body.at("error").as_object();
  EXPECT_EQ(error.at("message"),
            "The prompt holds a forbidden phrase. Run davy why. (request id req_1)");
  EXPECT_EQ(error.at("type"), "permission_error");
  EXPECT_TRUE(error.at("param").is_null());
  EXPECT_EQ(error.at("code"), "policy_denied");
}

TEST(OpenAi, MinimalDetailTellsTheRequestIdAlone) {
  const std::string text = openai().error_body(denied(), Detail::minimal);
  const auto body = boost::json::parse(text).as_object();
  EXPECT_EQ(body.at("request_id"), "req_1");
  EXPECT_EQ(body.at("error").as_object().at("code"), "request_denied");
  for (const char* hidden : {"sanitize", "phrase", "policy", "davy why", "abc"}) {
    EXPECT_EQ(text.find(hidden), std::string::npos) << hidden;
  }
}

TEST(OpenAi, WhatIsEmptyIsLeftOut) {
  Problem problem;
  problem.status = 502;
  problem.detail = "The \"upstream\"\nis gone.";
  const auto body = boost::json::parse(openai().error_body(problem, Detail::full)).as_object();
  EXPECT_EQ(body.at("detail").as_string(), problem.detail);
  EXPECT_FALSE(body.contains("rule"));
  EXPECT_FALSE(body.contains("request_id"));
  EXPECT_EQ(body.at("title"), "Not available");
  EXPECT_EQ(body.at("error").as_object().at("type"), "server_error");
  EXPECT_TRUE(body.at("error").as_object().at("code").is_null());
}

TEST(OpenAi, EachStatusHasTheTypeOfItsKind) {
  const std::pair<int, const char*> types[] = {
      {400, "invalid_request_error"}, {401, "authentication_error"}, {404, "not_found_error"},
      {413, "invalid_request_error"}, {429, "rate_limit_error"},     {503, "server_error"}};
  for (const auto& [status, type] : types) {
    Problem problem;
    problem.status = status;
    const auto body = boost::json::parse(openai().error_body(problem, Detail::full)).as_object();
    EXPECT_EQ(body.at("error").as_object().at("type"), type) << status;
  }
}

TEST(OpenAi, AnErrorInAStreamIsOneEvent) {
  SseParser parser;
  parser.feed(openai().stream_error(0, denied(), Detail::full));
  SseEvent event;
  ASSERT_TRUE(parser.next(event).value());
  EXPECT_EQ(event.data, openai().error_body(denied(), Detail::full));
  EXPECT_FALSE(parser.next(event).value());
}

TEST(OpenAi, AnErrorInAStreamOfResponsesIsItsOwnEventAndWhatSdksRead) {
  for (const Detail detail : {Detail::full, Detail::minimal}) {
    const std::string bytes = openai().stream_error(kOpenAiResponses, denied(), detail);
    EXPECT_TRUE(bytes.starts_with("event: error\ndata: ")) << bytes;
    SseParser parser;
    parser.feed(bytes);
    SseEvent event;
    ASSERT_TRUE(parser.next(event).value());
    const auto data = boost::json::parse(event.data).as_object();
    EXPECT_EQ(data.at("type"), "error");
    EXPECT_EQ(data.at("request_id"), "req_1");
    EXPECT_TRUE(data.at("sequence_number").is_int64());
    EXPECT_TRUE(data.at("param").is_null());
    const auto& error = data.at("error").as_object();
    EXPECT_EQ(error.at("message"), data.at("message"));
    EXPECT_EQ(error.at("code"), data.at("code"));
    EXPECT_EQ(error.at("type"), "permission_error");
    EXPECT_EQ(event.data.find("sanitize") == std::string::npos, detail == Detail::minimal);
  }
}

}  // namespace
}  // namespace davy::dialects
