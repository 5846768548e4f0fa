#include "surfaces/practice/api.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace davy::practice {
namespace {

namespace json = boost::json;

constexpr std::string_view kHello =
    R"({"model":"any","messages":[{"role":"user","content":"What is 1 + 1?"}]})";

ChatRequest chat(std::string_view body) {
  auto read = read_chat(body);
  EXPECT_TRUE(std::holds_alternative<ChatRequest>(read))
      << std::get<ApiError>(read).message << " in " << body;
  return std::get<ChatRequest>(std::move(read));
}

std::vector<json::object> parsed_events(const ChatAnswer& answer) {
  std::vector<json::object> out;
  auto events = answer.events();
  EXPECT_EQ(events.back(), "data: [DONE]\n\n");
  events.pop_back();
  for (const auto& event : events) {
    EXPECT_EQ(event.substr(0, 6), "data: ");
    EXPECT_EQ(event.substr(event.size() - 2), "\n\n");
    out.push_back(json::parse(event.substr(6)).as_object());
  }
  return out;
}

TEST(ReadChat, TakesTextAndParts) {
  const auto request = chat(
      R"({"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":[
         {"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"data:,"}},
         {"type":"text","text":"c"}]},{"role":"assistant","content":null}],"temperature":0.7})");
  ASSERT_EQ(request.messages.size(), 3u);
  EXPECT_EQ(request.messages[1].text, "bc");
  EXPECT_EQ(request.messages[1].pictures, 1u);
  EXPECT_FALSE(request.stream);
}

TEST(ReadChat, SaysWhatIsWrong) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "could not parse"},
      {"{", "could not parse"},
      {R"({"model":"m",})", "at byte 13"},
      {"[]", "no object"},
      {R"({"messages":[]})", "'model'"},
      {R"({"model":"m"})", "'messages'"},
      {R"({"model":"m","messages":[]})", "at least one"},
      {R"({"model":"m","messages":[3]})", "messages[0]"},
      {R"({"model":"m","messages":[{"role":"user","content":7}]})", "messages[0].content"},
      {R"({"model":"m","messages":[{"role":"user","content":""}],"n":9})", "1 to 8"},
      {R"({"model":"m","messages":[{"role":"user","content":""}],"max_tokens":-1})", "max_tokens"},
  };
  for (const auto& [body, part] : cases) {
    const auto read = read_chat(body);
    ASSERT_TRUE(std::holds_alternative<ApiError>(read)) << body;
    const auto& error = std::get<ApiError>(read);
    EXPECT_NE(error.message.find(part), std::string::npos) << error.message << " for " << body;
    const auto shaped = json::parse(error_body(error)).as_object().at("error").as_object();
    EXPECT_EQ(shaped.at("type"), "invalid_request_error");
    EXPECT_TRUE(shaped.contains("param") && shaped.contains("code") && shaped.contains("message"));
  }
}

TEST(ReadChat, EndsAtADeepNest) {
  const std::string deep(100'000, '[');
  EXPECT_TRUE(std::holds_alternative<ApiError>(read_chat(deep)));
}

TEST(ChatAnswer, WholeHasTheShapeOfTheApi) {
  const auto request = chat(kHello);
  const auto whole = json::parse(ChatAnswer(request, 7, WallTime{}).whole()).as_object();
  EXPECT_EQ(whole.at("id"), "chatcmpl-practice-7");
  EXPECT_EQ(whole.at("object"), "chat.completion");
  EXPECT_EQ(whole.at("model"), "any");
  const auto& choice = whole.at("choices").as_array().at(0).as_object();
  EXPECT_EQ(choice.at("message").at("content"), "1 + 1 = 2");
  EXPECT_EQ(choice.at("finish_reason"), "stop");
  EXPECT_EQ(whole.at("usage").at("prompt_tokens"), 4);
  EXPECT_EQ(whole.at("usage").at("completion_tokens"), 3);
  EXPECT_EQ(whole.at("usage").at("total_tokens"), 7);
}

TEST(ChatAnswer, StreamsRoleTextReasonAndUsage) {
  auto request = chat(
      R"({"model":"m","messages":[{"role":"user","content":"What is a system prompt?"}],
         "stream":true,"stream_options":{"include_usage":true}})");
  const ChatAnswer answer(request, 1, WallTime{});
  const auto events = parsed_events(answer);
  ASSERT_GE(events.size(), 5u);
  EXPECT_EQ(events[0].at("choices").at(0).at("delta").at("role"), "assistant");
  std::string text;
  for (std::size_t i = 1; i + 2 < events.size(); ++i) {
    text += std::string(events[i].at("choices").at(0).at("delta").at("content").as_string());
    EXPECT_TRUE(events[i].at("usage").is_null());
  }
  EXPECT_EQ(json::value(text),
            json::parse(answer.whole()).at("choices").at(0).at("message").at("content"));
  EXPECT_EQ(events[events.size() - 2].at("choices").at(0).at("finish_reason"), "stop");
  EXPECT_TRUE(events.back().at("choices").as_array().empty());
  EXPECT_GT(events.back().at("usage").at("total_tokens").as_int64(), 0);
}

TEST(ChatAnswer, TellsNoUsageUnlessAsked) {
  const auto request = chat(kHello);
  for (const auto& event : parsed_events(ChatAnswer(request, 1, WallTime{}))) {
    EXPECT_FALSE(event.contains("usage"));
  }
}

TEST(ChatAnswer, StopsAtTheTokensAsked) {
  const auto request = chat(
      R"({"model":"m","messages":[{"role":"user","content":"What is a system prompt?"}],"max_tokens":2})");
  const auto whole = json::parse(ChatAnswer(request, 1, WallTime{}).whole());
  EXPECT_EQ(whole.at("choices").at(0).at("message").at("content"), "A system");
  EXPECT_EQ(whole.at("choices").at(0).at("finish_reason"), "length");
}

TEST(ChatAnswer, GivesAsManyChoicesAsAsked) {
  const auto request = chat(R"({"model":"m","messages":[{"role":"user","content":"hi"}],"n":3})");
  const auto whole = json::parse(ChatAnswer(request, 1, WallTime{}).whole());
  ASSERT_EQ(whole.at("choices").as_array().size(), 3u);
  EXPECT_EQ(whole.at("choices").at(2).at("index"), 2);
}

TEST(ReadResponse, TakesATextAndItems) {
  const auto read = read_response(
      R"({"model":"m","instructions":"i","stream":true,"max_output_tokens":5,"input":[
         {"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image"}]},
         {"type":"function_call","name":"f","arguments":"{}"},
         {"type":"function_call_output","call_id":"c","output":"b"}]})");
  const auto& request = std::get<ChatRequest>(read);
  ASSERT_EQ(request.messages.size(), 3u);
  EXPECT_EQ(request.messages[0].role, "system");
  EXPECT_EQ(request.messages[1].text, "a");
  EXPECT_EQ(request.messages[1].pictures, 1u);
  EXPECT_EQ(request.messages[2].role, "tool");
  EXPECT_TRUE(request.stream);
  EXPECT_EQ(request.max_tokens, 5u);
  for (const char* bad : {R"({"input":"a"})", R"({"model":"m"})", R"({"model":"m","input":[7]})",
                          R"({"model":"m","input":[{"role":"user","content":7}]})",
                          R"({"model":"m","input":"a","max_output_tokens":0})"}) {
    EXPECT_TRUE(std::holds_alternative<ApiError>(read_response(bad))) << bad;
  }
}

TEST(ResponseAnswer, TellsTheSameWholeAndStreamed) {
  for (const char* more : {"", R"(,"max_output_tokens":2)"}) {
    const auto request = std::get<ChatRequest>(read_response(
        R"({"model":"m","input":"What is a system prompt?")" + std::string(more) + "}"));
    const ResponseAnswer answer(request, 7, WallTime{});
    const auto whole = json::parse(answer.whole());
    const auto& text = whole.at("output").at(0).at("content").at(0).at("text");
    std::string deltas;
    json::value last;
    for (const std::string& event : answer.events()) {
      last = json::parse(event.substr(event.find("\ndata: ") + 7));
      if (last.at("type") == "response.output_text.delta") deltas += last.at("delta").as_string();
    }
    EXPECT_EQ(json::value(deltas), text);
    EXPECT_EQ(last.at("response"), whole);
    EXPECT_EQ(whole.at("status"), *more ? "incomplete" : "completed");
    EXPECT_GT(whole.at("usage").at("output_tokens").as_int64(), 0);
  }
}

TEST(ReadFeatures, TakesThemBareOrWrapped) {
  const auto bare = read_features(R"({"amount":12.5,"country":"FR","hour":2,"other":[]})");
  const auto wrapped = read_features(R"({"features":{"amount":12.5,"country":"FR","hour":2}})");
  ASSERT_TRUE(std::holds_alternative<FraudFeatures>(bare));
  ASSERT_TRUE(std::holds_alternative<FraudFeatures>(wrapped));
  EXPECT_EQ(fraud_score(std::get<FraudFeatures>(bare)),
            fraud_score(std::get<FraudFeatures>(wrapped)));
}

TEST(ReadFeatures, NamesTheOneThatIsWrong) {
  for (const auto& [body, name] :
       {std::pair{R"({"amount":-1})", "amount"}, std::pair{R"({"amount":"1"})", "amount"},
        std::pair{R"({"hour":24})", "hour"}, std::pair{R"({"country":3})", "country"},
        std::pair{R"({"features":[]})", "features"}}) {
    const auto read = read_features(body);
    ASSERT_TRUE(std::holds_alternative<ApiError>(read)) << body;
    EXPECT_EQ(std::get<ApiError>(read).param, name);
  }
}

}  // namespace
}  // namespace davy::practice
