#include "mechanisms/dialects/anthropic.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <utility>

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

boost::json::object parsed(const Problem& problem, Detail detail) {
  return boost::json::parse(anthropic().error_body(problem, detail)).as_object();
}

const Route* route(std::span<const Route> routes, std::string_view method, std::string_view path) {
  for (const Route& each : routes) {
    if (each.method == method && each.path == path) return &each;
  }
  return nullptr;
}

TEST(Anthropic, ServesMessagesAndCountsTokens) {
  EXPECT_EQ(anthropic().name(), "anthropic");
  for (const std::string end : {"/v1/messages", "/v1/messages/count_tokens"}) {
    const Route* const whole = route(anthropic().routes(), "POST", "/anthropic" + end);
    const Route* const own = route(anthropic().model_routes(), "POST", end);
    ASSERT_NE(whole, nullptr) << end;
    ASSERT_NE(own, nullptr) << end;
    for (const Route* each : {whole, own}) {
      // Anthropic's base URL has no /v1.
      EXPECT_EQ(each->upstream_path, end);
      EXPECT_EQ(each->reading, Reading::documents);
      EXPECT_EQ(each->names, Names::body);
      EXPECT_LT(each->operation, anthropic().operations());
    }
  }
  for (const char* path : {"/anthropic/v1/models", "/anthropic/v1/models/{model}"}) {
    const Route* const list = route(anthropic().routes(), "GET", path);
    ASSERT_NE(list, nullptr) << path;
    EXPECT_EQ(list->reading, Reading::catalogue);
  }
}

TEST(Anthropic, WhatTheSdksPutIntoQueriesIsPlain) {
  for (const char* name : {"beta", "limit", "after_id", "before_id"}) {
    EXPECT_TRUE(anthropic().plain_parameter(name)) << name;
  }
  EXPECT_FALSE(anthropic().plain_parameter("model"));
}

TEST(Anthropic, ListsModels) {
  const std::string_view names[] = {"chat", "a\"b"};
  const std::string chat =
      R"({"type":"model","id":"chat","display_name":"chat","created_at":"1970-01-01T00:00:00Z"})";
  const std::string other =
      R"({"type":"model","id":"a\"b","display_name":"a\"b","created_at":"1970-01-01T00:00:00Z"})";
  EXPECT_EQ(anthropic().catalogue(names, false),
            R"({"data":[)" + chat + "," + other +
                R"(],"has_more":false,"first_id":"chat","last_id":"a\"b"})");
  EXPECT_EQ(anthropic().catalogue(names, true), chat);
  EXPECT_EQ(anthropic().catalogue({}, false),
            R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
}

TEST(Anthropic, AnErrorIsAProblemAndWhatTheSdkReads) {
  const auto body = parsed(denied(), Detail::full);
  EXPECT_EQ(body.at("type"), "error");
  EXPECT_EQ(body.at("title"), "Refused by policy");
  EXPECT_EQ(body.at("status"), 403);
  EXPECT_EQ(body.at("detail"), "The prompt holds a forbidden phrase.");
  EXPECT_EQ(body.at("request_id"), "req_1");
  EXPECT_EQ(body.at("rule"), "guardrails.sanitize.phrase");
  EXPECT_EQ(body.at("stage"), "guardrails.sanitize");
  EXPECT_EQ(body.at("policy"), "abc");
  EXPECT_EQ(body.at("next_step"), "Run davy why.");
  const auto& error = body.at("error").as_object();
  EXPECT_EQ(error.at("type"), "permission_error");
  EXPECT_EQ(error.at("message"),
            "The prompt holds a forbidden phrase. Run davy why. (request id req_1)");
  EXPECT_EQ(error.at("details").as_object().at("error_code"), "policy_denied");
}

TEST(Anthropic, MinimalDetailTellsTheRequestIdAlone) {
  const std::string text = anthropic().error_body(denied(), Detail::minimal);
  const auto body = boost::json::parse(text).as_object();
  EXPECT_EQ(body.at("type"), "error");
  EXPECT_EQ(body.at("request_id"), "req_1");
  EXPECT_EQ(body.at("error").as_object().at("details").as_object().at("error_code"),
            "request_denied");
  for (const char* hidden : {"sanitize", "phrase", "policy", "davy why", "abc"}) {
    EXPECT_EQ(text.find(hidden), std::string::npos) << hidden;
  }
}

TEST(Anthropic, WhatIsEmptyIsLeftOut) {
  Problem problem;
  problem.status = 502;
  problem.detail = "The \"upstream\"\nis gone.";
  const auto body = parsed(problem, Detail::full);
  EXPECT_EQ(body.at("detail").as_string(), problem.detail);
  EXPECT_FALSE(body.contains("rule"));
  EXPECT_FALSE(body.contains("request_id"));
  const auto& error = body.at("error").as_object();
  EXPECT_EQ(error.at("type"), "api_error");
  EXPECT_FALSE(error.contains("details"));
}

TEST(Anthropic, EachStatusHasTheTypeOfItsKind) {
  const std::pair<int, const char*> types[] = {{400, "invalid_request_error"},
                                               {401, "authentication_error"},
                                               {403, "permission_error"},
                                               {404, "not_found_error"},
                                               {413, "request_too_large"},
                                               {415, "invalid_request_error"},
                                               {429, "rate_limit_error"},
                                               {500, "api_error"},
                                               {502, "api_error"},
                                               {503, "overloaded_error"},
                                               {504, "timeout_error"}};
  for (const auto& [status, type] : types) {
    Problem problem;
    problem.status = status;
    EXPECT_EQ(parsed(problem, Detail::full).at("error").as_object().at("type"), type) << status;
  }
}

TEST(Anthropic, AnErrorInAStreamIsOneEventOfThatName) {
  const std::string bytes = anthropic().stream_error(0, denied(), Detail::full);
  EXPECT_TRUE(bytes.starts_with("event: error\ndata: "));
  SseParser parser;
  parser.feed(bytes);
  SseEvent event;
  ASSERT_TRUE(parser.next(event).value());
  EXPECT_EQ(event.data, anthropic().error_body(denied(), Detail::full));
  EXPECT_FALSE(parser.next(event).value());
}

}  // namespace
}  // namespace davy::dialects
