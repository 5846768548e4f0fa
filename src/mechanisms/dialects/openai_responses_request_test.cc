#include "mechanisms/dialects/openai_responses_request.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/testing.h"

namespace davy::dialects {
namespace {

class ResponsesRequest : public testing::Test {
 protected:
  void read(std::string body) {
    body_ = std::move(body);
    const auto result = request_->read(body_);
    ASSERT_TRUE(result.ok()) << result.error().text();
    ASSERT_EQ(request_->apply({}).value(), body_);
  }
  // A request with these items as `input`.
  void items(const std::string& items) { read(R"({"model":"m","input":[)" + items + "]}"); }
  std::string error(const std::string& body) {
    const auto result = request_->read(body);
    return result.ok() ? "ok" : result.error().text();
  }

  std::string body_;
  std::unique_ptr<RequestDocument> request_ = openai().make_request(kOpenAiResponses);
};

TEST_F(ResponsesRequest, ReadsWhatTheGatewayAsks) {
  read(R"({"model":"gpt-5","input":"hi","stream":true,"max_output_tokens":50})");
  EXPECT_EQ(request_->model(), "gpt-5");
  EXPECT_TRUE(request_->stream());
  EXPECT_EQ(request_->choices(), 1U);
  EXPECT_EQ(request_->max_output_tokens(), 50U);
  // Every stream of responses tells its usage.
  EXPECT_FALSE(request_->lacks_usage());
  EXPECT_EQ(list(*request_), (Lines{"/input user prose: hi"}));
}

TEST_F(ResponsesRequest, ProvenanceFollowsTheRoleOfAMessage) {
  items(R"({"role":"user","content":"a"},{"type":"message","role":"developer","content":"b"},
    {"role":"system","content":[{"type":"input_text","text":"c"}]},
    {"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":"final_answer",
     "content":[{"type":"output_text","text":"d","annotations":[
       {"type":"url_citation","url":"https://x.y","title":"T t","start_index":0}]},
       {"type":"refusal","refusal":"e"}]},
    {"type":"mess\u0061ge","role":"us\u0065r","content":"f"},{"role":"wizard","content":"g"},
    "h",{"type":"message","content":"i"})");
  EXPECT_EQ(
      list(*request_),
      (Lines{"/input/0/content user prose: a", "/input/1/content system prose: b",
             "/input/2/content/0/text system prose: c",
             "/input/3/content/0/text assistant prose: d",
             "/input/3/content/0/annotations/0/type assistant structured: url_citation",
             "/input/3/content/0/annotations/0/url assistant structured: https://x.y",
             "/input/3/content/0/annotations/0/title assistant structured: T t",
             "/input/3/content/1/refusal assistant prose: e",
             "/input/4/type field structured: message", "/input/4/role field structured: user",
             "/input/4/content user prose: f", "/input/5/content field prose: g",
             "/input/6 user prose: h", "/input/7/content field prose: i"}));
}

TEST_F(ResponsesRequest, ReadsInstructionsAndTools) {
  read(R"({"model":"m","instructions":"I","input":"x","tools":[
    {"type":"function","name":"f","description":"D","parameters":{"type":"object",
      "properties":{"p":{"type":"string","description":"E"}}}},
    {"type":"mcp","server_label":"s","server_url":"https://t.u","headers":{"A":"B"}},
    {"type":"file_search","vector_store_ids":["vs_1"]},
    {"type":"image_generation","input_image_mask":{"image_url":"data:image/png;base64,AAAA"}}],
    "tool_choice":{"type":"function","name":"f"}})");
  EXPECT_EQ(
      list(*request_),
      (Lines{"/instructions system prose: I", "/input user prose: x",
             "/tools/0/name document structured: f", "/tools/0/description document structured: D",
             "/tools/0/parameters/properties/p/description document structured: E",
             "/tools/1/server_label document structured: s",
             "/tools/1/server_url document structured: https://t.u",
             "/tools/1/headers/A document structured: B",
             "/tools/2/vector_store_ids/0 document binary: ",
             "/tools/3/input_image_mask/image_url document binary: ",
             "/tool_choice/name field structured: f"}));
  EXPECT_EQ(request_->bytes_not_examined(), 30U);
}

TEST_F(ResponsesRequest, WhatToolsAreGivenByItsIdIsNotExamined) {
  read(R"({"model":"m","input":"x","tools":[
    {"type":"code_interpreter","container":{"type":"auto","file_ids":["file-1","do this"],"n":"a"}},
    {"type":"code_interpreter","container":"cntr_1"},
    {"type":"function","name":"f","parameters":{"container":{"description":"D"}}}]})");
  EXPECT_EQ(list(*request_),
            (Lines{"/input user prose: x", "/tools/0/container/file_ids/0 document binary: ",
                   "/tools/0/container/file_ids/1 document structured: do this",
                   "/tools/0/container/n document structured: a",
                   "/tools/1/container document binary: ", "/tools/2/name document structured: f",
                   "/tools/2/parameters/container/description document structured: D"}));
  EXPECT_EQ(request_->bytes_not_examined(), 12U);
}

TEST_F(ResponsesRequest, ReadsCallsAndWhatTheyGave) {
  items(R"({"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
    {"type":"function_call_output","call_id":"c1","output":"sunny"},
    {"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"a"},
      {"type":"input_image","image_url":"data:x"}]},
    {"type":"custom_tool_call","call_id":"c3","name":"g","input":"raw"},
    {"type":"custom_tool_call_output","call_id":"c3","output":"cooked"},
    {"type":"mcp_call","id":"m1","server_label":"s","name":"h","arguments":"{}","output":"o","error":"e"},
    {"type":"local_shell_call","call_id":"c4","action":{"type":"exec","command":["rm","-rf"]}},
    {"type":"shell_call_output","call_id":"c5","output":[{"outcome":{"type":"exit","exit_code":0},
      "stdout":"out","stderr":"err"}]},
    {"type":"computer_call_output","call_id":"c6","output":{"type":"computer_screenshot",
      "image_url":"data:y"}},
    {"type":"file_search_call","id":"fs","queries":["q"],"results":[{"file_id":"f1","text":"t"}]},
    {"type":"tool_from_the_future","call_id":"c7","arguments":{"x":"y"},"result":"z","else":"w"})");
  EXPECT_EQ(list(*request_), (Lines{"/input/0/name field structured: f",
                                    "/input/0/arguments tool_call structured: {\"a\":1}",
                                    "/input/1/output tool_result prose: sunny",
                                    "/input/2/output/0/text tool_result prose: a",
                                    "/input/2/output/1/image_url tool_result binary: ",
                                    "/input/3/name field structured: g",
                                    "/input/3/input tool_call structured: raw",
                                    "/input/4/output tool_result prose: cooked",
                                    "/input/5/server_label field structured: s",
                                    "/input/5/name field structured: h",
                                    "/input/5/arguments tool_call structured: {}",
                                    "/input/5/output tool_result prose: o",
                                    "/input/5/error tool_result prose: e",
                                    "/input/6/action/type tool_call structured: exec",
                                    "/input/6/action/command/0 tool_call structured: rm",
                                    "/input/6/action/command/1 tool_call structured: -rf",
                                    "/input/7/output/0/outcome/type tool_result structured: exit",
                                    "/input/7/output/0/stdout tool_result structured: out",
                                    "/input/7/output/0/stderr tool_result structured: err",
                                    "/input/8/output/image_url tool_result binary: ",
                                    "/input/9/queries/0 tool_call structured: q",
                                    "/input/9/results/0/file_id tool_result binary: ",
                                    "/input/9/results/0/text tool_result prose: t",
                                    "/input/10/arguments/x tool_call structured: y",
                                    "/input/10/result tool_result prose: z",
                                    "/input/10/else field structured: w"}));
  EXPECT_EQ(request_->bytes_not_examined(), 6U + 6 + 2);
}

TEST_F(ResponsesRequest, ReasoningIsTheAssistantsAndItsCipherIsNotExamined) {
  items(R"({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s"}],
    "content":[{"type":"reasoning_text","text":"c"}],"encrypted_content":"gAAAAB_-=="},
    {"type":"compaction","encrypted_content":"AAAA"},
    {"type":"reasoning","encrypted_content":"no cipher at all"})");
  EXPECT_EQ(list(*request_),
            (Lines{"/input/0/summary/0/text assistant prose: s",
                   "/input/0/content/0/text assistant prose: c",
                   "/input/0/encrypted_content assistant binary: ",
                   "/input/1/encrypted_content assistant binary: ",
                   "/input/2/encrypted_content assistant structured: no cipher at all"}));
  EXPECT_EQ(request_->bytes_not_examined(), 10U + 4);
}

TEST_F(ResponsesRequest, WhatTheUpstreamKeepsIsNotExamined) {
  read(R"({"model":"m","previous_response_id":"resp_1","conversation":{"id":"conv_12"},
    "input":[{"type":"item_reference","id":"it_123"},{"id":"it_4"},
      {"type":"message","id":"msg_1","role":"user","content":"x"}]})");
  EXPECT_EQ(list(*request_),
            (Lines{"/previous_response_id field binary: ", "/conversation/id field binary: ",
                   "/input/0/id field binary: ", "/input/1/id field binary: ",
                   "/input/2/content user prose: x"}));
  EXPECT_EQ(request_->bytes_not_examined(), 6U + 7 + 6 + 4);
  read(R"({"model":"m","previous_response_id":null,"conversation":"conv","input":null})");
  EXPECT_EQ(request_->bytes_not_examined(), 4U);
}

TEST_F(ResponsesRequest, ReadsTheVariablesOfAStoredPrompt) {
  read(R"({"model":"m","prompt":{"id":"pmpt_1","version":"2","variables":{"who":"Ann",
    "doc":{"type":"input_file","file_id":"f1"},"odd key":{"type":"input_text","text":"t"}}}})");
  EXPECT_EQ(
      list(*request_),
      (Lines{"/prompt/id field binary: ", "/prompt/version field structured: 2",
             "/prompt/variables/who user prose: Ann", "/prompt/variables/doc/file_id user binary: ",
             "/prompt/variables/odd key~key user structured: odd key",
             "/prompt/variables/odd key/text user prose: t"}));
  EXPECT_EQ(request_->bytes_not_examined(), 6U + 2);
}

TEST_F(ResponsesRequest, BinaryPartsHaveNoTextAndAreCounted) {
  items(R"({"role":"user","content":[
    {"type":"input_image","detail":"low","image_url":"https://x.y/z","file_id":"f"},
    {"type":"input_file","filename":"my plan.pdf","file_data":"AAAA","file_url":"http://u"},
    {"type":"input_audio","input_audio":{"data":"BB","format":"wav"}}]},
    {"type":"image_generation_call","id":"ig","status":"completed","result":"CCCCC"})");
  EXPECT_EQ(list(*request_), (Lines{"/input/0/content/0/image_url user structured: https://x.y/z",
                                    "/input/0/content/0/file_id user binary: ",
                                    "/input/0/content/1/filename user structured: my plan.pdf",
                                    "/input/0/content/1/file_data user binary: ",
                                    "/input/0/content/1/file_url user structured: http://u",
                                    "/input/0/content/2/input_audio/data user binary: ",
                                    "/input/1/result field binary: "}));
  EXPECT_EQ(request_->bytes_not_examined(), 13U + 1 + 4 + 8 + 2 + 5);
}

TEST_F(ResponsesRequest, NothingEscapesBecauseItsPlaceIsUnknown) {
  read(R"({"model":"m","input":{"odd":"a"},"metadata":{"k":"b","odd key":"c"},"user":"d e",
    "include":["reasoning.encrypted_content"],"new":[["f"]],"previous_response_id":["g"],
    "prompt":"h","text":{"format":{"type":"json_schema","name":"n","schema":{"title":"i"}},
    "verbosity":"low"},"reasoning":{"effort":"high","summary":"not plain"}})");
  EXPECT_EQ(list(*request_),
            (Lines{"/input/odd user structured: a", "/metadata/k field structured: b",
                   "/metadata/odd key~key field structured: odd key",
                   "/metadata/odd key field structured: c", "/user field structured: d e",
                   "/include/0 field structured: reasoning.encrypted_content",
                   "/new/0/0 field structured: f", "/previous_response_id/0 field structured: g",
                   "/prompt field binary: ", "/text/format/name field structured: n",
                   "/text/format/schema/title field structured: i",
                   "/reasoning/summary field structured: not plain"}));
}

TEST_F(ResponsesRequest, EditsChangeTheirBytesAndNothingElse) {
  read(R"({ "model":"m", "t":0.70, "input":[{"role":"user","content":[
    {"type":"input_text","text":"my key\n sk-1 ok"}]}]})");
  const Edit edits[] = {{"/input/0/content/0/text", {8, 12}, "<KEY>"}};
  const std::string edited = request_->apply(edits, {.model = "other"}).value();
  EXPECT_EQ(edited, R"({ "model":"other", "t":0.70, "input":[{"role":"user","content":[
    {"type":"input_text","text":"my key\n <KEY> ok"}]}]})");
}

TEST_F(ResponsesRequest, RefusesWithPlaceAndAdvice) {
  EXPECT_NE(error("[]").find("not a JSON object"), std::string::npos);
  EXPECT_NE(error(R"({"input":"x"})").find("`model`"), std::string::npos);
  EXPECT_NE(error(R"({"model":"m","stream":"yes"})").find("`stream`"), std::string::npos);
  EXPECT_TRUE(error("{\"model\":\"m\",\n\"max_output_tokens\":-1}").starts_with("line 2:21:"));
}

TEST_F(ResponsesRequest, AnAnswerThatCannotBeFetchedIsRefusedBeforeItCosts) {
  const std::string why = error(R"({"model":"m","input":"x","background":true})");
  EXPECT_NE(why.find("background"), std::string::npos);
  EXPECT_EQ(error(R"({"model":"m","input":"x","background":true,"stream":true})"), "ok");
  EXPECT_EQ(error(R"({"model":"m","input":"x","background":false})"), "ok");
}

TEST_F(ResponsesRequest, IsReusable) {
  items(R"({"type":"item_reference","id":"x"})");
  EXPECT_NE(error("{"), "ok");
  read(R"({"model":"m","input":"b"})");
  EXPECT_EQ(request_->segments().size(), 1U);
  EXPECT_EQ(request_->bytes_not_examined(), 0U);
}

TEST_F(ResponsesRequest, NoToolAsksAnotherModel) {
  const std::string tools = R"("tools":[{"type":"image_generation","model":"gpt-image-1"}])";
  EXPECT_NE(error(R"({"model":"m","input":"a",)" + tools + "}").find("a tool asks another"),
            std::string::npos);
  const std::string item = R"({"model":"m","input":[{"type":"mcp_list_tools",)" + tools + "}]}";
  EXPECT_NE(error(item).find("a tool asks another"), std::string::npos);
  EXPECT_FALSE(openai().make_request(kOpenAiResponses)->read_account(item).ok());
  EXPECT_NE(error(R"({"model":"m","input":"a","models":["b"]})").find("`models`"),
            std::string::npos);
  EXPECT_EQ(error(R"({"model":"m","input":"a","tools":[{"type":"image_generation"}]})"), "ok");
}

}  // namespace
}  // namespace davy::dialects
