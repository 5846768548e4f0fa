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

}  // namespace
}  // namespace davy::dialects
