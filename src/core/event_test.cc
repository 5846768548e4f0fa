#include "core/event.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace davy {
namespace {

using std::chrono::microseconds;

WallTime at(std::int64_t micros) { return WallTime(microseconds(micros)); }

std::string json(const Event& event) {
  std::string out;
  append_json(out, event);
  return out;
}

// The error of a line that must not be read.
std::string refusal(std::string_view line) {
  const auto event = event_from_json(line);
  EXPECT_FALSE(event.ok()) << line;
  return event.ok() ? "" : event.error().text();
}

std::string with(std::string_view members) {
  return R"({"_time":1,"sourcetype":"admin",)" + std::string(members) + "}";
}

TEST(Event, FieldNamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const FieldInfo& entry : event_fields()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(field_from(entry.name), entry.field);
    EXPECT_EQ(info(entry.field).name, entry.name);
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Field::count_));
  EXPECT_FALSE(field_from("_time"));
}

TEST(Event, WhatNamesAPersonCanBeErased) {
  for (const Field field : {Field::client_ip, Field::user_agent, Field::owner, Field::path,
                            Field::actor, Field::subject, Field::detail, Field::location}) {
    EXPECT_EQ(info(field).field_class, FieldClass::personal) << info(field).name;
  }
  EXPECT_EQ(info(Field::evidence).field_class, FieldClass::content);
  for (const Field field : {Field::request_id, Field::key_id, Field::rule, Field::message}) {
    EXPECT_EQ(info(field).field_class, FieldClass::plain) << info(field).name;
  }
}

TEST(Event, SetReplacesAndAbsentDiffersFromEmpty) {
  Event event(Sourcetype::gate, at(0));
  event.set(Field::model, "a").set(Field::model, "b").set(Field::topic, "");
  EXPECT_EQ(event.fields().size(), 2U);
  EXPECT_EQ(event.text(Field::model), "b");
  EXPECT_TRUE(event.find(Field::topic));
  EXPECT_FALSE(event.find(Field::route));
  EXPECT_EQ(event.text(Field::route), "");
  event.set(Field::status, std::int64_t{7});
  EXPECT_EQ(event.text(Field::status), "") << "no text";
}

TEST(Event, WritesOneObjectInTheOrderOfSetting) {
  Event event(Sourcetype::model_api_logs, at(1'700'000'000'000'042));
  event.set(Field::request_id, "req_1")
      .set(Field::status, std::int64_t{200})
      .set(Field::cost_usd, 0.1)
      .set(Field::stream, true);
  EXPECT_EQ(json(event),
            R"({"_time":1700000000.000042,"index":"main","sourcetype":"model_api_logs",)"
            R"("request_id":"req_1","status":200,"cost_usd":0.1,"stream":true})");
}

TEST(Event, EscapesWhatJsonMustNotHoldRaw) {
  Event event(Sourcetype::admin, at(0));
  event.set(Field::message, std::string_view("\"\\\n\r\t\x01\x1f\x7f\0é", 11));
  EXPECT_NE(json(event).find(R"("\"\\\n\r\t\u0001\u001f)"
                             "\x7f"
                             R"(\u0000é")"),
            std::string::npos)
      << json(event);
}

TEST(Event, WrongUtf8BecomesReplacementCharacters) {
  Event event(Sourcetype::admin, at(0));
  event.set(Field::message, "a\xff\xc3(b\xed\xa0\x80");
  EXPECT_EQ(event.text(Field::message), "a\uFFFD\uFFFD(b\uFFFD\uFFFD\uFFFD");
}

TEST(Event, ANumberThatIsNotFiniteIsNotStored) {
  Event event(Sourcetype::admin, at(0));
  event.set(Field::confidence, std::nan("")).set(Field::anomaly_score, HUGE_VAL);
  EXPECT_TRUE(event.fields().empty());
}

TEST(Event, ReadsWhatItWroteExactly) {
  for (const std::int64_t micros :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{-1'500'000},
        std::int64_t{1'700'000'000'000'001}, std::int64_t{8'999'999'999'999'999}}) {
    Event event(Sourcetype::findings, at(micros));
    event.set(Field::rule, "guardrails.sanitize.phrase")
        .set(Field::evidence, std::string_view("\0\"é\U0001F600\\", 9))
        .set(Field::confidence, 0.1 + 0.2)
        .set(Field::anomaly_score, 5e-324)
        .set(Field::cost_usd, std::numeric_limits<double>::max())
        .set(Field::tokens_in, std::numeric_limits<std::int64_t>::max())
        .set(Field::tokens_out, std::numeric_limits<std::int64_t>::min())
        .set(Field::stream, false);
    const auto read = event_from_json(json(event));
    ASSERT_TRUE(read.ok()) << read.error().text();
    EXPECT_EQ(read->sourcetype(), event.sourcetype());
    EXPECT_EQ(read->time(), event.time());
    EXPECT_EQ(read->fields(), event.fields());
    EXPECT_EQ(json(*read), json(event));
  }
}

TEST(Event, EverySourcetypeIsReadBack) {
  for (const Sourcetype type : {Sourcetype::model_api_logs, Sourcetype::findings,
                                Sourcetype::file_integrity, Sourcetype::gate, Sourcetype::admin}) {
    EXPECT_EQ(event_from_json(json(Event(type, at(0))))->sourcetype(), type);
  }
}

TEST(Event, ReadsTimesOfOtherWriters) {
  const auto micros = [](std::string_view number) {
    const auto event =
        event_from_json(R"({"sourcetype":"gate","_time":)" + std::string(number) + "}");
    EXPECT_TRUE(event.ok()) << number;
    return event.ok()
               ? std::chrono::duration_cast<microseconds>(event->time().time_since_epoch()).count()
               : 0;
  };
  EXPECT_EQ(micros("12"), 12'000'000);
  EXPECT_EQ(micros("12.5"), 12'500'000);
  EXPECT_EQ(micros("-0.25"), -250'000);
  EXPECT_EQ(micros("12.3456789"), 12'345'678);
  EXPECT_EQ(micros("1.5e3"), 1'500'000'000);
}

TEST(Event, IgnoresNamesOfLaterVersionsWhateverTheirValue) {
  const auto event = event_from_json(
      with(R"("later":{"message":"inner","x":[1,{"status":true},null]},"other":[[]],"n":1e999,)"
           R"("text":"a","flag":true,"status":404,"nothing":null)"));
  ASSERT_TRUE(event.ok()) << event.error().text();
  EXPECT_EQ(event->fields().size(), 1U);
  EXPECT_EQ(*event->find(Field::status), FieldValue(std::int64_t{404}));
}

TEST(Event, NullIsAbsent) {
  const auto event = event_from_json(with(R"("model":null)"));
  ASSERT_TRUE(event.ok());
  EXPECT_FALSE(event->find(Field::model));
}

TEST(Event, AnIntegerMayStandWhereARealIsWanted) {
  const auto event = event_from_json(with(R"("cost_usd":3,"latency_ms":18446744073709551615)"));
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(*event->find(Field::cost_usd), FieldValue(3.0));
}

TEST(Event, RefusesWhatItCannotTrust) {
  EXPECT_NE(refusal(with(R"("status":"200")")).find("status"), std::string::npos);
  EXPECT_NE(refusal(with(R"("status":2.5)")).find("status"), std::string::npos);
  EXPECT_NE(refusal(with(R"("status":9223372036854775808)")).find("status"), std::string::npos);
  EXPECT_NE(refusal(with(R"("stream":1)")).find("stream"), std::string::npos);
  EXPECT_NE(refusal(with(R"("model":["a"])")).find("model"), std::string::npos);
  EXPECT_NE(refusal(with(R"("model":{})")).find("model"), std::string::npos);
  EXPECT_NE(refusal(with(R"("model":true)")).find("model"), std::string::npos);
  EXPECT_NE(refusal(with(R"("cost_usd":1e999)")).find("cost_usd"), std::string::npos);
  EXPECT_NE(refusal(with(R"("model":"a","model":"a")")).find("twice"), std::string::npos);
  EXPECT_NE(refusal(with(R"("model":"a","mod\u0065l":"a")")).find("twice"), std::string::npos);
  EXPECT_NE(refusal(with(R"("index":"other")")).find("index"), std::string::npos);
  EXPECT_NE(refusal(with(R"("_time":2)")).find("twice"), std::string::npos);
  EXPECT_NE(refusal(R"({"sourcetype":"admin"})").find("_time"), std::string::npos);
  EXPECT_NE(refusal(R"({"_time":1})").find("sourcetype"), std::string::npos);
  EXPECT_NE(refusal(R"({"_time":1,"sourcetype":"x"})").find("sourcetype"), std::string::npos);
  EXPECT_NE(refusal(R"({"_time":"1","sourcetype":"gate"})").find("_time"), std::string::npos);
  EXPECT_NE(refusal(R"({"_time":9000000000,"sourcetype":"gate"})").find("_time"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"_time":1e300,"sourcetype":"gate"})").find("_time"), std::string::npos);
}

TEST(Event, NamesTheByteWhereTheJsonBreaks) {
  EXPECT_NE(refusal(R"({"_time":1,,})").find("byte 12"), std::string::npos)
      << refusal(R"({"_time":1,,})");
  for (const std::string_view broken :
       {"", "{", "null", "true", "3", "\"x\"", "[]", "[{}]", "{} {}", "{\"_time\":1} x",
        "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}", "{'a':1}", "{\"a\":01}", "{\"a\":NaN}"}) {
    EXPECT_FALSE(event_from_json(broken).ok()) << broken;
  }
}

TEST(Event, ErrorsRepeatNoContent) {
  EXPECT_EQ(refusal(with(R"("status":"geheim")")).find("geheim"), std::string::npos);
  EXPECT_EQ(refusal(with(R"("geheim":1,"geheim":tru)")).find("geheim"), std::string::npos);
}

TEST(Event, BoundsLengthAndDepth) {
  const auto longer = event_from_json(std::string(kMaxEventBytes + 1, ' '));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().kind, ErrorKind::limit);
  const std::string deep = with("\"a\":" + std::string(5000, '[') + std::string(5000, ']'));
  EXPECT_FALSE(event_from_json(deep).ok());
}

}  // namespace
}  // namespace davy
