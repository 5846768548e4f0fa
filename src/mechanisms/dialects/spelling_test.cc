#include "mechanisms/dialects/spelling.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/anthropic.h"
#include "mechanisms/dialects/kserve.h"
#include "mechanisms/dialects/mcp.h"
#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/predict.h"

namespace davy::dialects {
namespace {

TEST(Spelling, LettersAreTheSameInAnyCase) {
  for (const char* const raw : {"disk", "DISK", "dIs\\u006b", "di\xC5\xBFk", "dis\xE2\x84\xAA",
                                "d\\u0131sk", "d\\u0130sk", "di\\u017fk", "dis\\u212A"}) {
    EXPECT_TRUE(spells(raw, "disk")) << raw;
  }
  for (const char* const raw : {"", "dis", "disks", "disc", "d\xC3\xADsk", "d_sk"}) {
    EXPECT_FALSE(spells(raw, "disk")) << raw;
  }
  EXPECT_TRUE(spells("mimetype", "mimeType"));
}

TEST(Spelling, TheFirstLetterIsNeverWrong) {
  for (const char* const raw : {"disk", "Disk", "\\u0064isk", "\xC5\xBF", "\xE2\x84\xAA"}) {
    for (const char* const key : {"disk", "s", "k", "S", "K"}) {
      EXPECT_TRUE(!spells(raw, key) || may_spell(raw, key)) << raw << " " << key;
    }
  }
  EXPECT_FALSE(may_spell("role", "content"));
  EXPECT_FALSE(may_spell("", "content"));
}

TEST(Spelling, FindsTwins) {
  const auto twin = [](std::string_view text) {
    json::Index index;
    EXPECT_TRUE(index.parse(text).ok());
    const json::NodeId found = find_twin(index, 0);
    return found == json::kNoNode ? std::string("none") : std::string(index.raw(found));
  };
  EXPECT_EQ(twin(R"({"a":1,"b":2,"A":3})"), "3");
  EXPECT_EQ(twin(R"({"\u212a":1,"x":2,"k":3})"), "3");
  EXPECT_EQ(twin(R"({"a":1,"b":{"A":2},"c":3})"), "none");
}

class Spelt : public testing::Test {
 protected:
  // Read whole and for the account alone, which must agree.
  static std::string error(const Dialect& dialect, std::uint8_t operation,
                           const std::string& body) {
    const auto request = dialect.make_request(operation);
    const auto whole = request->read(body);
    const auto account = dialect.make_request(operation)->read_account(body);
    EXPECT_EQ(whole.ok(), account.ok()) << body;
    if (whole.ok()) return "ok";
    EXPECT_EQ(whole.error().kind, ErrorKind::invalid_input);
    EXPECT_TRUE(request->segments().empty());
    return whole.error().text();
  }
};

TEST_F(Spelt, AKeyThatIsReadInAnotherCaseRefusesTheRequest) {
  struct Case {
    const Dialect& dialect;
    std::uint8_t operation;
    const char* body;
  };
  const Case cases[] = {
      {openai(), kOpenAiChat, R"({"model":"a","Model":"b","messages":[]})"},
      {openai(), kOpenAiChat, R"({"Model":"b","messages":[]})"},
      {openai(), kOpenAiChat, R"({"model":"a","\u004dodel":"b","messages":[]})"},
      {openai(), kOpenAiChat, R"({"model":"a","messages":[],"Messages":[]})"},
      {openai(), kOpenAiChat,
       "{\"model\":\"a\",\"me\xC5\xBF\xC5\xBF"
       "ages\":[],\"messages\":[]}"},
      {openai(), kOpenAiChat, R"({"model":"a","messages":[{"role":"assistant","Role":"user"}]})"},
      {openai(), kOpenAiChat, R"({"model":"a","messages":[{"Content":"x","role":"user"}]})"},
      {openai(), kOpenAiChat, R"({"model":"a","messages":[],"Stream":true})"},
      {openai(), kOpenAiChat, R"({"model":"a","messages":[],"max_to\u212aens":5})"},
      {openai(), kOpenAiChat,
       R"({"model":"a","messages":[],"stream_options":{"Include_usage":false}})"},
      {openai(), kOpenAiChat,
       R"({"model":"a","messages":[{"role":"user","content":[{"type":"text","Text":"x"}]}]})"},
      {openai(), kOpenAiChat,
       R"({"model":"a","messages":[{"content":[{"image_url":{"URL":"data:x"}}]}]})"},
      {openai(), kOpenAiResponses, R"({"model":"a","input":"x","Instructions":"y"})"},
      {openai(), kOpenAiResponses, R"({"model":"a","input":[{"Type":"message","role":"user"}]})"},
      {openai(), kOpenAiCompletions, R"({"model":"a","prompt":"x","Prompt":"y"})"},
      {openai(), kOpenAiNumbers, R"({"model":"a","input":"x","Documents":["y"]})"},
      {anthropic(), 0, R"({"model":"a","Model":"b","messages":[]})"},
      {anthropic(), 0, R"({"model":"a","messages":[],"System":"x"})"},
      {anthropic(), 0, R"({"model":"a","messages":[],"Fallbacks":["b"]})"},
      {anthropic(), 0, R"({"model":"a","messages":[],"tools":[{"Model":"b"}]})"},
      {anthropic(), 0, R"({"model":"a","messages":[{"content":[{"Type":"document"}]}]})"},
      {kserve(), 0, R"({"inputs":[],"Inputs":[]})"},
      {kserve(), 1, R"({"Text_Input":"x"})"},
      {mcp(), 0, R"({"jsonrpc":"2.0","method":"tools/call","Method":"prompts/get","id":1})"},
      {mcp(), 0, R"([{"Method":"tools/call","id":1}])"},
      {mcp(), 0, R"({"method":"tools/call","params":{"name":"a","Name":"b"},"id":1})"},
      {mcp(), 0, R"({"method":"tools/call","params":{"Arguments":{}},"id":1})"},
  };
  for (const Case& each : cases) {
    EXPECT_NE(error(each.dialect, each.operation, each.body).find("some programs read a key as `"),
              std::string::npos)
        << each.body;
  }
}

TEST_F(Spelt, ErrorsSayWhereAndRepeatNothingOfTheBody) {
  const std::string text =
      error(openai(), kOpenAiChat, "{\"model\":\"a\",\n \"MODEL\":\"b\",\"messages\":[]}");
  EXPECT_NE(text.find("`model`"), std::string::npos) << text;
  EXPECT_NE(text.find("2:2"), std::string::npos) << text;
  EXPECT_EQ(text.find("MODEL"), std::string::npos) << text;
}

TEST_F(Spelt, TwinsAreRefusedWhereKeysAreRead) {
  const char* const twins = "two keys of an object differ in the case of their letters alone";
  for (const char* const body :
       {R"({"model":"a","messages":[],"seed":1,"Seed":2})",
        R"({"model":"a","messages":[{"role":"user","x":"1","X":"2"}]})",
        R"({"model":"a","messages":[{"content":[{"type":"text","x":"1","X":"2"}]}]})"}) {
    EXPECT_NE(error(openai(), kOpenAiChat, body).find(twins), std::string::npos) << body;
  }
  EXPECT_NE(error(mcp(), 0, R"({"method":"x","a":1,"A":2})").find(twins), std::string::npos);
}

TEST_F(Spelt, KeysOfTheCallersOwnMayBeAnything) {
  EXPECT_EQ(error(openai(), kOpenAiChat,
                  R"({"model":"a","messages":[{"role":"assistant","tool_calls":[{"id":"1",
                      "function":{"name":"f","arguments":"{\"Model\":1,\"model\":2}"}}]}],
                      "metadata":{"Model":"x","model":"y","Role":"z"},
                      "tools":[{"type":"function","function":{"name":"f","parameters":{
                        "properties":{"Type":{"type":"string"},"type":{"type":"string"},
                                      "Text":{"default":{"Role":"a","role":"b"}}}}}}]})"),
            "ok");
  EXPECT_EQ(error(openai(), kOpenAiResponses,
                  R"({"model":"a","input":"x","prompt":{"id":"p","variables":{
                      "Text":"a","text":"b"}},"tools":[{"Type":"x","type":"y"}]})"),
            "ok");
  EXPECT_EQ(error(anthropic(), 0,
                  R"({"model":"a","messages":[{"role":"assistant","content":[{"type":"tool_use",
                      "id":"t","name":"f","input":{"Content":"a","content":"b"}}]}],
                      "tools":[{"name":"f","input_schema":{"Model":1,"model":2}}]})"),
            "ok");
  EXPECT_EQ(error(mcp(), 0,
                  R"({"method":"tools/call","id":1,"params":{"name":"f",
                      "arguments":{"Name":"a","name":"b"},"_meta":{"A":1,"a":2}}})"),
            "ok");
  EXPECT_EQ(error(predict(), 0, R"({"Stream":1,"stream":2,"inputs":{"A":1,"a":2}})"), "ok");
  EXPECT_EQ(error(kserve(), 1, R"({"text_input":"x","parameters":{"A":1,"a":2}})"), "ok");
}

TEST_F(Spelt, PredictCountsLimitsInEverySpelling) {
  const auto request = predict().make_request(0);
  ASSERT_TRUE(request->read(R"({"Options":{"Num_Predict":70},"STREAM":true})").ok());
  EXPECT_EQ(request->max_output_tokens(), 70U);
  EXPECT_TRUE(request->stream());
}

}  // namespace
}  // namespace davy::dialects
