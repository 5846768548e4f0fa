#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/sse.h"
#include "mechanisms/dialects/testing.h"

namespace davy::dialects {
namespace {

std::string event(const std::string& type, const std::string& members) {
  std::string out = "event: " + type + "\n";
  append_event(out, R"({"type":")" + type + "\"" + (members.empty() ? "" : ",") + members + "}");
  return out;
}
std::string response(const std::string& status, const std::string& more) {
  return R"("response":{"id":"resp_1","object":"response","created_at":7,"status":")" + status +
         R"(","model":"m")" + more + "}";
}
std::string created() {
  return event("response.created",
               R"("sequence_number":0,)" + response("in_progress", R"(,"output":[])"));
}
std::string text_delta(const std::string& text, const std::string& more = "") {
  return event(
      "response.output_text.delta",
      R"("item_id":"msg_1","output_index":0,"content_index":0,"delta":")" + text + "\"" + more);
}
std::string message(const std::string& text) {
  return R"({"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[)"
         R"({"type":"output_text","text":")" +
         text + R"(","annotations":[]}]})";
}
// All that ends the text of a response and repeats it.
std::string endings(const std::string& text) {
  return event("response.output_text.done",
               R"("item_id":"msg_1","output_index":0,"content_index":0,"text":")" + text + "\"") +
         event("response.content_part.done",
               R"("output_index":0,"content_index":0,"part":{"type":"output_text","text":")" +
                   text + R"(","annotations":[]})") +
         event("response.output_item.done", R"("output_index":0,"item":)" + message(text)) +
         event("response.completed",
               R"("sequence_number":9,)" +
                   response("completed", R"(,"output":[)" + message(text) +
                                             R"(],"usage":{"input_tokens":3,"output_tokens":2,)"
                                             R"("input_tokens_details":{"cached_tokens":1}})"));
}

class ResponsesStream : public testing::Test {
 protected:
  StreamRead read(const std::string& bytes) { return read_stream(*reader_, bytes); }

  // What a client gets where a rule takes away `secret`, held back as long as it may come.
  std::string guarded(const std::string& bytes, std::size_t step, const std::string& secret) {
    const StreamRead all = read_stream(*reader_, bytes, step);
    std::vector<StreamEdit> edits;
    std::vector<std::pair<StreamKey, std::string>> texts;
    for (const StreamEvent& each : all.events) {
      for (const StreamSegment& piece : each.segments) {
        auto at = std::find_if(texts.begin(), texts.end(),
                               [&](const auto& text) { return text.first == piece.key; });
        if (at == texts.end()) at = texts.insert(texts.end(), {piece.key, {}});
        at->second += piece.text;
      }
    }
    for (const auto& [key, text] : texts) {
      for (std::size_t at = text.find(secret); at != std::string::npos;
           at = text.find(secret, at + secret.size())) {
        edits.push_back({key, {at, at + secret.size()}, "<GONE>"});
      }
    }
    std::string out;
    for (const StreamEvent& each : all.events) out += reader_->apply(each, edits).value();
    return out;
  }

  std::unique_ptr<StreamReader> reader_ = openai().make_stream(kOpenAiResponses);
};

TEST_F(ResponsesStream, EveryRepetitionIsATextOfItsOwn) {
  const std::string bytes =
      created() +
      event(
          "response.output_item.added",
          R"("output_index":0,"item":{"type":"message","id":"msg_1","role":"assistant","content":[]})") +
      event("response.content_part.added",
            R"("output_index":0,"content_index":0,"part":{"type":"output_text","text":""})") +
      text_delta("Hel") + text_delta("lo\\n") + endings("Hello\\n");
  const StreamRead read = this->read(bytes);
  EXPECT_EQ(read.raw, bytes);
  EXPECT_EQ(read.texts(), (Lines{"assistant prose: Hello\n", "assistant prose: Hello\n",
                                 "assistant prose: Hello\n", "assistant prose: Hello\n",
                                 "assistant prose: Hello\n"}));
  // The deltas end with the event that says so, and hold nothing back any longer.
  const StreamEvent& done = read.events[5];
  ASSERT_EQ(done.segments.size(), 2U);
  EXPECT_EQ(done.segments[1].key, read.events[3].segments[0].key);
  EXPECT_TRUE(done.segments[1].last);
  EXPECT_TRUE(done.segments[0].last);
  EXPECT_EQ(read.events.back().usage, (Usage{3, 2, 1}));
  EXPECT_EQ(read.events.back().finish_reason, "completed");
  EXPECT_TRUE(read.events.back().done);
  EXPECT_EQ(read.events[0].finish_reason, "");
}

TEST_F(ResponsesStream, ARedactedTextIsNowhereUnderAnySplit) {
  const std::string secret = "sk-12\n34";
  std::string bytes = created();
  for (const char* part : {"my key is s", "k-1", "", "2\\n", "34 and sk-12", "\\u000a34."}) {
    bytes += text_delta(part, *part ? R"(,"logprobs":[{"token":"k-12"}])" : "");
  }
  bytes += endings("my key is sk-12\\n34 and sk-12\\u000a34.") +
           event("response.output_text.delta", R"("delta":"sk-12\n34")");
  const std::string whole = guarded(bytes, bytes.size(), secret);
  for (std::size_t step = 1; step < bytes.size(); step += step < 64 ? 1 : 61) {
    ASSERT_EQ(guarded(bytes, step, secret), whole) << step;
  }
  for (const char* hidden : {"sk-12", "k-1", "12\\n", "12\\u000a", "n34", "a34"}) {
    EXPECT_EQ(whole.find(hidden), std::string::npos) << hidden << " in " << whole;
  }
  const StreamRead again = read(whole);
  EXPECT_EQ(again.texts(), (Lines(5, "assistant prose: my key is <GONE> and <GONE>.")));
}

TEST_F(ResponsesStream, ACallItsArgumentsAndItsRepetitions) {
  const std::string item =
      R"({"type":"function_call","id":"fc","call_id":"c1","name":"f","arguments":")";
  const StreamRead read = this->read(
      created() +
      event("response.output_item.added", R"("output_index":1,"item":)" + item + "\"}") +
      event("response.function_call_arguments.delta", R"("output_index":1,"delta":"{\"a")") +
      event("response.function_call_arguments.delta",
            R"("output_index":1,"delta":"\":1}","obfuscation":"aG")") +
      event("response.function_call_arguments.done",
            R"("output_index":1,"name":"f","arguments":"{\"a\":1}")") +
      event("response.output_item.done",
            R"("output_index":1,"item":)" + item + "{\\\"a\\\":1}\"}"));
  EXPECT_EQ(read.texts(), (Lines{"tool_call structured: f", "tool_call structured: {\"a\":1}",
                                 "tool_call structured: f", "tool_call structured: {\"a\":1}",
                                 "tool_call structured: f", "tool_call structured: {\"a\":1}"}));
}

TEST_F(ResponsesStream, EachKindOfEventHasItsVoice) {
  const auto delta = [](const std::string& subject) {
    return event("response." + subject + ".delta", R"("output_index":0,"delta":"x")");
  };
  const std::pair<const char*, const char*> subjects[] = {
      {"output_text", "assistant prose: x"},
      {"refusal", "assistant prose: x"},
      {"reasoning_text", "assistant prose: x"},
      {"reasoning_summary_text", "assistant prose: x"},
      {"audio.transcript", "assistant prose: x"},
      {"function_call_arguments", "tool_call structured: x"},
      {"mcp_call_arguments", "tool_call structured: x"},
      {"custom_tool_call_input", "tool_call structured: x"},
      {"shell_call_command", "tool_call structured: x"},
      {"code_interpreter_call_code", "tool_call code: x"},
      {"shell_call_output_content", "tool_result prose: x"},
      {"something_new", "assistant structured: x"},
  };
  for (const auto& [subject, line] : subjects) {
    EXPECT_EQ(read(delta(subject)).texts(), (Lines{line})) << subject;
  }
}

TEST_F(ResponsesStream, TextsOfDifferentPlacesAreKeptApart) {
  const auto delta = [](const std::string& subject, const std::string& place,
                        const std::string& text) {
    return event("response." + subject + ".delta", place + R"("delta":)" + text);
  };
  const StreamRead read = this->read(
      delta("output_text", R"("output_index":0,"content_index":0,)", R"("a")") +
      delta("output_text", R"("output_index":0,"content_index":1,)", R"("b")") +
      delta("output_text", R"("output_index":1,"content_index":0,)", R"("c")") +
      delta("reasoning_summary_text", R"("output_index":2,"summary_index":1,)", R"("d")") +
      delta("shell_call_output_content", R"("output_index":3,"command_index":0,)",
            R"({"stdout":"e","stderr":"f","odd key":"g"})") +
      delta("output_text", R"("output_index":0,"content_index":0,)", R"("A")") +
      delta("shell_call_output_content", R"("output_index":3,"command_index":0,)",
            R"({"stderr":"F"})") +
      delta("output_text", R"("item_id":"x",)", R"("h")") +
      delta("output_text", R"("item_id":"y",)", R"("i")") +
      delta("output_text", R"("item_id":"x",)", R"("H")"));
  EXPECT_EQ(read.texts(),
            (Lines{"assistant prose: aA", "assistant prose: b", "assistant prose: c",
                   "assistant prose: d", "tool_result prose: e", "tool_result prose: fF",
                   "tool_result structured: odd key", "tool_result prose: g", "assistant prose: hH",
                   "assistant prose: i"}));
}

TEST_F(ResponsesStream, ATextThatGoesOnAfterItsEndIsANewOne) {
  const std::string done =
      event("response.output_text.done", R"("output_index":0,"content_index":0,"text":"")");
  EXPECT_EQ(read(text_delta("a") + done + text_delta("b") + done + text_delta("c")).texts(),
            (Lines{"assistant prose: a", "assistant prose: b", "assistant prose: c"}));
}

TEST_F(ResponsesStream, AnItemEndsAllItsTexts) {
  const StreamRead read = this->read(
      text_delta("a") + event("response.refusal.delta", R"("output_index":0,"delta":"b")") +
      event("response.refusal.delta", R"("output_index":1,"delta":"c")") +
      event("response.output_item.done", R"("output_index":0,"item":{})"));
  ASSERT_EQ(read.events[3].segments.size(), 2U);
  EXPECT_TRUE(read.events[3].segments[0].last && read.events[3].segments[1].last);
  EXPECT_EQ(read.events[4].segments.size(), 1U);
}

TEST_F(ResponsesStream, WhatFollowsTheEndIsDropped) {
  for (const char* type : {"response.completed", "response.failed", "response.incomplete"}) {
    const std::string end = created() + event(type, response("x", ""));
    const StreamRead read = this->read(end + "data: [DONE]\n\n" + text_delta("late"));
    EXPECT_EQ(read.raw, end) << type;
  }
  EXPECT_EQ(
      read(event("response.incomplete",
                 response("incomplete", R"(,"incomplete_details":{"reason":"max_output_tokens"})")))
          .events[0]
          .finish_reason,
      "max_output_tokens");
}

TEST_F(ResponsesStream, NoTextEscapesBecauseItsEventIsUnknown) {
  EXPECT_EQ(
      read(event("error", R"("code":"c","message":"it broke","param":null)") +
           event("response.output_text.annotation.added",
                 R"("annotation":{"type":"url_citation","title":"t","url":"u"})") +
           event("response.new.thing",
                 R"("a":{"odd key":"b"},"item":"c","part":["d"],"delta":"e")") +
           "data: [\"f\"]\n\n" + R"(data: {"type":7,"delta":"g","logprobs":"h"})" + "\n\n" +
           R"(data: {"type":"response.output\u005ftext.d\u0065lta","delta":"i"})" + "\n\n")
          .texts(),
      (Lines{"assistant structured: c", "assistant structured: it broke",
             "assistant structured: url_citation", "assistant structured: t",
             "assistant structured: u", "assistant structured: odd key", "assistant structured: b",
             "assistant structured: c", "assistant structured: d", "assistant structured: e",
             "assistant structured: f", "assistant structured: g", "assistant structured: h",
             "assistant prose: response.output_text.delta", "assistant prose: i"}));
}

TEST_F(ResponsesStream, SoundAndPicturesAreCounted) {
  const StreamRead read = this->read(
      event("response.audio.delta", R"("delta":"UklGRg==")") +
      event("response.image_generation_call.partial_image",
            R"("partial_image_index":0,"partial_image_b64":"iVBORw0KGgo=","size":"1024x1024")") +
      event("response.audio.delta", R"("delta":"no sound")"));
  EXPECT_EQ(read.events[0].bytes_not_examined, 8U);
  EXPECT_EQ(read.events[1].bytes_not_examined, 12U);
  EXPECT_EQ(read.texts(), (Lines{"assistant structured: no sound"}));
}

TEST_F(ResponsesStream, APictureMayBeLargerThanAnEventOfWords) {
  const std::string picture(3 * 1024 * 1024, 'A');
  const StreamRead read = this->read(event("response.image_generation_call.partial_image",
                                           R"("partial_image_b64":")" + picture + "\""));
  EXPECT_EQ(read.events[0].bytes_not_examined, picture.size());
}

TEST_F(ResponsesStream, ManyTextsOneAfterTheOtherAreNoTooMany) {
  std::string bytes;
  for (int i = 0; i < 3000; ++i) {
    const std::string place = R"("output_index":)" + std::to_string(i);
    bytes += event("response.output_text.delta", place + R"(,"delta":"x")") +
             event("response.output_text.done", place + R"(,"text":"x")");
  }
  EXPECT_EQ(read(bytes).texts().size(), 6000U);
}

TEST_F(ResponsesStream, TooManyTextsAtOnceAreRefused) {
  std::string bytes;
  for (std::size_t i = 0; i <= kMaxStreams; ++i) {
    bytes +=
        event("response.output_text.delta", R"("delta":"x","output_index":)" + std::to_string(i));
  }
  reader_->feed(bytes);
  StreamEvent each;
  auto found = reader_->next(each);
  while (found && *found) found = reader_->next(each);
  EXPECT_EQ(found.error().kind, ErrorKind::limit);
}

TEST_F(ResponsesStream, ACutStreamEndsInOrder) {
  const StreamRead all =
      read(created() + event("response.output_text.delta", R"("sequence_number":4,"delta":"a")"));
  for (const StreamEvent& each : all.events) {
    EXPECT_EQ(reader_->apply(each, {}).value(), each.raw);
  }
  const std::string cut = reader_->cut();
  EXPECT_TRUE(cut.starts_with("event: response.incomplete\ndata: {"));
  const auto data = boost::json::parse(std::string_view(cut).substr(33)).as_object();
  EXPECT_EQ(data.at("type"), "response.incomplete");
  EXPECT_EQ(data.at("sequence_number"), 5);
  const auto& told = data.at("response").as_object();
  EXPECT_EQ(told.at("id"), "resp_1");
  EXPECT_EQ(told.at("model"), "m");
  EXPECT_EQ(told.at("created_at"), 7);
  EXPECT_EQ(told.at("status"), "incomplete");
  EXPECT_EQ(told.at("incomplete_details").at("reason"), "content_filter");
  const StreamRead again = read(cut);
  EXPECT_EQ(again.events[0].finish_reason, "content_filter");
  EXPECT_TRUE(again.events[0].done);
}

TEST_F(ResponsesStream, ACutBeforeAnythingWentOutBeginsTheStreamToo) {
  reader_->feed(created());
  StreamEvent held;
  ASSERT_TRUE(reader_->next(held).value());
  const StreamRead read = this->read(reader_->cut());
  ASSERT_EQ(read.events.size(), 2U);
  EXPECT_TRUE(read.events[0].raw.starts_with("event: response.created\n"));
  EXPECT_NE(read.events[0].raw.find(R"("id":"resp_1")"), std::string::npos);
  EXPECT_NE(read.events[1].raw.find(R"("id":"resp_1")"), std::string::npos);
  EXPECT_EQ(this->read(openai().make_stream(kOpenAiResponses)->cut()).events.size(), 2U);
}

}  // namespace
}  // namespace davy::dialects
