#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>

#include "surfaces/practice/api.h"

namespace davy::practice {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

}  // namespace

std::string error_body(const ApiError& error) {
  json::object inner;
  inner["message"] = error.message;
  inner["type"] = error.status >= 500 ? "server_error" : "invalid_request_error";
  inner["param"] = text_or_null(error.param);
  inner["code"] = text_or_null(error.code);
  return json::serialize(json::object{{"error", std::move(inner)}});
}

std::string models_body() {
  return R"({"object":"list","data":[{"id":"practice","object":"model","created":0,)"
         R"("owned_by":"davylamp"}]})";
}

std::string score_body(double score) { return fmt::format("{{\"fraud_score\":{}}}", score); }

ChatAnswer::ChatAnswer(const ChatRequest& request, std::uint64_t number, WallTime now)
    : request_(request),
      id_(fmt::format("chatcmpl-practice-{}", number)),
      created_(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()),
      text_(answer(request.messages)),
      finish_reason_("stop") {
  if (request.max_tokens > 0 && count_tokens(text_) > request.max_tokens) {
    text_ = shortened(text_, request.max_tokens);
    finish_reason_ = "length";
  }
  for (const Message& message : request.messages) tokens_in_ += count_tokens(message.text);
  tokens_out_ = count_tokens(text_) * request.choices;
}

std::string ChatAnswer::usage() const {
  return fmt::format(R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{}}})",
                     tokens_in_, tokens_out_, tokens_in_ + tokens_out_);
}

std::string ChatAnswer::whole() const {
  std::string choices;
  for (std::uint32_t i = 0; i < request_.choices; ++i) {
    choices += fmt::format(
        R"({}{{"index":{},"message":{{"role":"assistant","content":{},"refusal":null}},)"
        R"("logprobs":null,"finish_reason":"{}"}})",
        i == 0 ? "" : ",", i, json::serialize(text_), finish_reason_);
  }
  return fmt::format(
      R"({{"id":"{}","object":"chat.completion","created":{},"model":{},"choices":[{}],"usage":{}}})",
      id_, created_, json::serialize(request_.model), choices, usage());
}

std::string ChatAnswer::chunk(std::string_view choices, bool with_usage) const {
  std::string usage_member;
  if (request_.include_usage) usage_member = ",\"usage\":" + (with_usage ? usage() : "null");
  return fmt::format(
      "data: {{\"id\":\"{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":{},"
      "\"choices\":[{}]{}}}\n\n",
      id_, created_, json::serialize(request_.model), choices, usage_member);
}

std::vector<std::string> ChatAnswer::events() const {
  std::vector<std::string> out;
  const auto for_each_choice = [&](std::string_view delta, std::string_view reason) {
    for (std::uint32_t i = 0; i < request_.choices; ++i) {
      out.push_back(chunk(
          fmt::format(R"({{"index":{},"delta":{},"finish_reason":{}}})", i, delta, reason), false));
    }
  };
  for_each_choice(R"({"role":"assistant","content":""})", "null");
  for (const std::string_view piece : pieces(text_)) {
    for_each_choice(fmt::format(R"({{"content":{}}})", json::serialize(json::string(piece))),
                    "null");
  }
  for_each_choice("{}", fmt::format("\"{}\"", finish_reason_));
  if (request_.include_usage) out.push_back(chunk("", true));
  out.emplace_back("data: [DONE]\n\n");
  return out;
}

}  // namespace davy::practice
