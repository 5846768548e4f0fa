// The gateway as a whole, in one process: a real listener, real upstream connections, and
// stages that do what a test needs.
#include "surfaces/gateway/gateway.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/live_control.h"
#include "generated/rules.h"
#include "mechanisms/dialects/mcp.h"
#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/predict.h"
#include "mechanisms/net/http_server.h"
#include "mechanisms/net/testing.h"
#include "mechanisms/telemetry/metrics_registry.h"

namespace davy::gateway {
namespace {

using net::testing::Client;
using net::testing::talk;

constexpr RuleId kRule = rules::kGuardrailsSanitizePhrase;

class MemorySink final : public EventSink {
 public:
  Result<void> begin(const Event&) override { return {}; }
  Result<void> append(const Event& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
    return {};
  }
  Result<void> flush() override { return {}; }
  [[nodiscard]] EventSinkStats stats() const noexcept override { return {}; }

  // The n-th row of an exchange, once it is there.
  Event exchange(std::size_t n = 0) {
    std::unique_lock lock(mutex_);
    for (;;) {
      std::size_t seen = 0;
      for (const Event& event : events_) {
        if (event.sourcetype() == Sourcetype::model_api_logs && seen++ == n) return event;
      }
      changed_.wait(lock);
    }
  }
  std::size_t findings() {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(events_.begin(), events_.end(),
                      [](const Event& e) { return e.sourcetype() == Sourcetype::findings; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Event> events_;
};

class PlainRedactor final : public Redactor {
 public:
  Result<std::string> redact(std::string_view text, Scratch&) const override {
    return std::string(text);
  }
};

// A stage from functions.
struct Hooks {
  std::function<Result<void>(std::span<const Segment>, StageOutput&)> on_request{};
  std::function<Result<void>(const StreamSegment&, StageOutput&)> on_chunk{};
  std::function<void(const Outcome&)> finish{};
};

class HookStage final : public Stage {
 public:
  explicit HookStage(Hooks hooks) : hooks_(std::move(hooks)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "test.stage"; }
  [[nodiscard]] std::span<const RuleId> rules() const noexcept override {
    static constexpr RuleId list[] = {kRule};
    return list;
  }
  [[nodiscard]] bool reads_request_text() const noexcept override {
    return hooks_.on_request != nullptr;
  }
  [[nodiscard]] bool reads_answer_text() const noexcept override {
    return hooks_.on_chunk != nullptr;
  }
  [[nodiscard]] std::unique_ptr<StageRun> begin(const ExchangeInfo&) const override {
    struct Run final : StageRun {
      explicit Run(const Hooks& h) : hooks(h) {}
      Result<void> on_request(std::span<const Segment> segments, StageOutput& out,
                              Scratch&) override {
        return hooks.on_request ? hooks.on_request(segments, out) : Result<void>();
      }
      Result<void> on_chunk(const StreamSegment& segment, StageOutput& out, Scratch&) override {
        return hooks.on_chunk ? hooks.on_chunk(segment, out) : Result<void>();
      }
      void finish(const Outcome& outcome) noexcept override {
        if (hooks.finish) hooks.finish(outcome);
      }
      const Hooks& hooks;
    };
    return std::make_unique<Run>(hooks_);
  }

 private:
  Hooks hooks_;
};

std::string sse(std::string_view delta, std::string_view finish = "null") {
  return "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + std::string(delta) +
         "\"},\"finish_reason\":" + std::string(finish) + "}]}\n\n";
}

class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bound = net::Listener::bind(Endpoint{"127.0.0.1", 0, {}}, upstream_loops_, 1);
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    upstream_ = std::move(bound).value();
  }
  void TearDown() override {
    gateway_.reset();
    upstream_loops_.stop();
  }

  void answer_with(net::HttpHandler handler) {
    upstream_->start(net::http_serve(
        [this, handler](const net::HttpRequest& request, net::Responder& responder) {
          ++calls_;
          last_body_ = std::string(request.body);
          last_target_ = std::string(request.head.target());
          return handler(request, responder);
        }));
    upstream_loops_.start();
  }
  void answer_json(std::string body) {
    answer_with([body](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
      net::HttpResponse response;
      response.content_type = "application/json";
      response.body = body;
      (void)co_await responder.send(response);
    });
  }
  void answer_stream(std::vector<std::string> chunks) {
    answer_with([chunks](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
      (void)co_await responder.begin_stream("text/event-stream");
      for (const std::string& chunk : chunks) (void)co_await responder.chunk(chunk);
      (void)co_await responder.end_stream();
    });
  }

  std::shared_ptr<Snapshot> snapshot(Hooks hooks, Mode mode = Mode::enforce) {
    auto made = std::make_shared<Snapshot>();
    made->policy_digest = "test";
    made->settings.listen = {Endpoint{"127.0.0.1", 0, {}}};
    made->settings.admin = Endpoint{"127.0.0.1", 0, {}};
    Model model;
    model.name = "chat";
    model.dialect = "openai";
    Upstream& upstream = model.upstreams.emplace_back();
    upstream.url.host = "127.0.0.1";
    upstream.url.port = upstream_->endpoint().port;
    made->settings.models = {model};
    model.name = "tools";
    model.dialect = "mcp";
    made->settings.models.push_back(model);
    model.name = "scores";
    model.dialect = "predict";
    model.paths = {"/*"};
    made->settings.models.push_back(model);
    made->modes.set(kRule, mode);
    if (hooks.on_request || hooks.on_chunk || hooks.finish) {
      made->stages.push_back(std::make_unique<HookStage>(std::move(hooks)));
    }
    return made;
  }

  void start(Hooks hooks, Mode mode = Mode::enforce) {
    auto started = Gateway::start(snapshot(std::move(hooks), mode), services(), 2);
    ASSERT_TRUE(started.ok()) << started.error().text();
    gateway_ = std::move(started).value();
  }
  Services services() {
    static const dialects::Dialect* const list[] = {&dialects::openai(), &dialects::mcp(),
                                                    &dialects::predict()};
    return {.clock = system_clock(),
            .control = control_,
            .events = sink_,
            .metrics = metrics_,
            .redactor = redactor_,
            .dialects = list,
            .admin_routes = {},
            .proxies = proxies_,
            .lookup = lookup_};
  }
  std::uint16_t port() { return gateway_->endpoints()[0].port; }

  static std::string post(std::string_view body, std::string_view fields = "") {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
           std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }
  std::string ask(std::string_view text, bool stream = false) {
    const std::string body =
        "{\"model\":\"chat\",\"stream\":" + std::string(stream ? "true" : "false") +
        ",\"messages\":[{\"role\":\"user\",\"content\":\"" + std::string(text) + "\"}]}";
    return talk(port(), post(body, "Connection: close\r\n"));
  }

  net::Loops upstream_loops_{1, system_clock()};
  std::unique_ptr<net::Listener> upstream_;
  std::atomic<int> calls_{0};
  std::string last_body_;
  std::string last_target_;
  LiveControl control_;
  MemorySink sink_;
  telemetry::MetricsRegistry metrics_;
  PlainRedactor redactor_;
  net::ProxySettings proxies_;
  net::Resolver::Lookup lookup_ = &net::Resolver::system_lookup;
  std::unique_ptr<Gateway> gateway_;
};

Finding fired() { return make_finding(kRule, "The test's rule fired."); }

const std::string kAnswer =
    R"({"id":"a","temperature":0.7,"choices":[{"index":0,"message":{"role":"assistant",)"
    R"("content":"the code is 42"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,)"
    R"("completion_tokens":4,"total_tokens":7},"big":12345678901234567890123})";

TEST_F(GatewayTest, PassesAnAnswerUnchangedAndRecordsTokens) {
  answer_json(kAnswer);
  start({});
  const std::string got = ask("hello");
  EXPECT_NE(got.find("\r\n\r\n" + kAnswer), std::string::npos) << got;
  const Event event = sink_.exchange();
  EXPECT_EQ(event.text(Field::decision), "allow");
  EXPECT_EQ(std::get<std::int64_t>(*event.find(Field::tokens_in)), 3);
  EXPECT_EQ(std::get<std::int64_t>(*event.find(Field::tokens_out)), 4);
  EXPECT_EQ(event.text(Field::finish_reason), "stop");
  // No stage reads text here, and the event says so.
  EXPECT_GE(std::get<std::int64_t>(*event.find(Field::bytes_not_examined)),
            static_cast<std::int64_t>(kAnswer.size()));
}

TEST_F(GatewayTest, ADenialMakesNoUpstreamCall) {
  answer_json(kAnswer);
  start({.on_request = [](auto, StageOutput& out) -> Result<void> {
    out.deny(fired());
    return {};
  }});
  const std::string got = ask("hello");
  EXPECT_EQ(got.rfind("HTTP/1.1 403", 0), 0u) << got;
  EXPECT_NE(got.find("davy-rule: guardrails.sanitize.phrase"), std::string::npos) << got;
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(sink_.exchange().text(Field::stage_of_denial), "test.stage");
}

TEST_F(GatewayTest, AnObservingRuleRecordsAndLetsPass) {
  answer_json(kAnswer);
  start({.on_request = [](auto, StageOutput& out) -> Result<void> {
          out.deny(fired());
          return {};
        }},
        Mode::observe);
  EXPECT_EQ(ask("hello").rfind("HTTP/1.1 200", 0), 0u);
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(sink_.exchange().text(Field::rules), "guardrails.sanitize.phrase");
  EXPECT_EQ(sink_.findings(), 1u);
}

TEST_F(GatewayTest, AnErrorOfAnEnforcingStageFailsClosed) {
  answer_json(kAnswer);
  start({.on_request = [](auto, StageOutput&) -> Result<void> {
    throw std::runtime_error("broken");
  }});
  const std::string got = ask("hello");
  EXPECT_EQ(got.rfind("HTTP/1.1 503", 0), 0u) << got;
  EXPECT_NE(got.find("x-should-retry: false"), std::string::npos) << got;
  EXPECT_EQ(calls_, 0);
}

TEST_F(GatewayTest, AnErrorOfAnObservingStageIsRecordedOnly) {
  answer_json(kAnswer);
  start({.on_request = [](auto, StageOutput&) -> Result<void> { return internal_error("broken"); }},
        Mode::observe);
  EXPECT_EQ(ask("hello").rfind("HTTP/1.1 200", 0), 0u);
  EXPECT_EQ(sink_.exchange().text(Field::error), "broken");
}

TEST_F(GatewayTest, EditsOfTheRequestReachTheUpstreamAndNothingElseChanges) {
  answer_json(kAnswer);
  start({.on_request = [](std::span<const Segment> segments, StageOutput& out) -> Result<void> {
    for (const Segment& segment : segments) {
      if (segment.pointer != "/messages/0/content") continue;
      const auto at = segment.text.find("secret");
      if (at == std::string_view::npos) continue;
      out.redact(fired(), Edit{std::string(segment.pointer), {at, at + 6}, "[gone]"});
    }
    return {};
  }});
  const std::string body = R"({"model":"chat", "temperature":0.70, "x":12345678901234567890123,)"
                           R"("messages":[{"role":"user","content":"my secret \u00e9"}]})";
  (void)talk(port(), post(body, "Connection: close\r\n"));
  EXPECT_EQ(last_body_, R"({"model":"chat", "temperature":0.70, "x":12345678901234567890123,)"
                        R"("messages":[{"role":"user","content":"my [gone] \u00e9"}]})");
  EXPECT_EQ(sink_.exchange().text(Field::decision), "redact");
}

// Takes "42" out of any stream, holding back a "4" that may begin one.
Hooks redact_42() {
  using Key = std::pair<std::uint32_t, std::uint32_t>;
  auto of_streams = std::make_shared<std::map<Key, std::string>>();
  return {.on_chunk = [of_streams](const StreamSegment& piece, StageOutput& out) -> Result<void> {
    std::string& pending = (*of_streams)[{piece.key.choice, piece.key.block}];
    const std::string text = pending + std::string(piece.text);
    const std::uint64_t begin = piece.offset - pending.size();
    pending.clear();
    for (auto at = text.find("42"); at != std::string::npos; at = text.find("42", at + 2)) {
      out.redact(fired(), Edit{"", {begin + at, begin + at + 2}, "[number]"});
    }
    if (!piece.last && !text.empty() && text.back() == '4') {
      pending = "4";
      out.hold_from(begin + text.size() - 1);
    }
    return {};
  }};
}

TEST_F(GatewayTest, RedactsAWholeAnswer) {
  answer_json(kAnswer);
  start(redact_42());
  const std::string got = ask("hello");
  EXPECT_NE(got.find("the code is [number]"), std::string::npos) << got;
  EXPECT_NE(got.find("12345678901234567890123"), std::string::npos);
  EXPECT_EQ(sink_.exchange().text(Field::decision), "redact");
}

TEST_F(GatewayTest, RedactsWhatIsSplitOverTwoEvents) {
  answer_stream({sse("code 4"), sse("2 done"), sse("", "\"stop\""), "data: [DONE]\n\n"});
  start(redact_42());
  const std::string got = ask("hello", true);
  EXPECT_EQ(got.find("code 4\""), std::string::npos) << got;
  EXPECT_NE(got.find("[number]"), std::string::npos) << got;
  EXPECT_NE(got.find(" done"), std::string::npos) << got;
  EXPECT_NE(got.find("[DONE]"), std::string::npos) << got;
}

// A call of a tool, and what a tool server answers.
std::string call_tool(std::string_view fields = "") {
  const std::string body =
      R"({"jsonrpc":"2.0","id":"q1","method":"tools/call","params":{"name":"f","arguments":)"
      R"({"x":"number 42"}}})";
  return "POST /mcp/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
         "application/json\r\n" +
         std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string tool_result(std::string_view text) {
  return R"({"jsonrpc":"2.0","id":"q1","result":{"content":[{"type":"text","text":")" +
         std::string(text) + "\"}]}}";
}

TEST_F(GatewayTest, AToolsResultIsRedactedWholeAndInAStream) {
  answer_json(tool_result("the code is 42"));
  start(redact_42());
  const std::string got = talk(port(), call_tool());
  EXPECT_NE(got.find(tool_result("the code is [number]")), std::string::npos) << got;
  EXPECT_EQ(sink_.exchange().text(Field::route), "/mcp/{model}");
  EXPECT_EQ(sink_.exchange().text(Field::model), "tools");
}

TEST_F(GatewayTest, EachMessageOfAToolServerIsJudgedAndGoesOutAtOnce) {
  std::vector<std::string> events;
  for (int i = 0; i < 5000; ++i) {
    events.push_back(
        "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
        "{\"level\":\"info\",\"data\":\"42 of " +
        std::to_string(i) + "\"}}\n\n");
  }
  answer_stream(events);
  start(redact_42());
  const std::string got =
      talk(port(),
           "GET /mcp/tools HTTP/1.1\r\nHost: x\r\nConnection: close\r\nMcp-Session-Id: s\r\n\r\n");
  EXPECT_NE(got.find("[number] of 0\""), std::string::npos) << got.substr(0, 1000);
  EXPECT_NE(got.find("[number] of 4999\""), std::string::npos) << got.substr(got.size() - 500);
  EXPECT_EQ(got.find("\"42 of"), std::string::npos);
  EXPECT_NE(got.find("\r\n0\r\n\r\n"), std::string::npos);
}

TEST_F(GatewayTest, ADenialInsideAToolServersStreamAnswersTheCall) {
  answer_stream({"data: " + tool_result("bad news") + "\n\n"});
  start({.on_chunk = [](const StreamSegment& piece, StageOutput& out) -> Result<void> {
    EXPECT_EQ(piece.key.provenance, Provenance::tool_result);
    if (piece.text.find("bad") != std::string_view::npos) out.deny(fired());
    return {};
  }});
  const std::string got = talk(port(), call_tool());
  EXPECT_EQ(got.find("bad"), std::string::npos) << got;
  EXPECT_NE(got.find(R"({"jsonrpc":"2.0","id":"q1","error":{"code":-32010)"), std::string::npos)
      << got;
}

TEST_F(GatewayTest, ARefusedCallIsAnsweredAsItsSdkReadsIt) {
  answer_json(tool_result("never"));
  start({.on_request = [](std::span<const Segment> segments, StageOutput& out) -> Result<void> {
    EXPECT_EQ(segments.size(), 2u);
    EXPECT_EQ(segments.back().provenance, Provenance::tool_call);
    out.deny(fired());
    return {};
  }});
  const std::string got = talk(port(), call_tool());
  EXPECT_EQ(got.rfind("HTTP/1.1 403", 0), 0u) << got;
  EXPECT_NE(got.find("Content-Type: application/json\r\n"), std::string::npos) << got;
  EXPECT_NE(got.find(R"("id":"q1","error":{)"), std::string::npos) << got;
  EXPECT_EQ(calls_, 0);
}

// The head moves while a body is read that does not fit behind it.
TEST_F(GatewayTest, APathThatGoesOnAsItCameOutlivesALargeBody) {
  answer_json(R"({"score":0.70})");
  start({});
  const std::string body = "[" + std::string(500'000, ' ') + "0.70]";
  const std::string size = std::to_string(body.size());
  const std::string head =
      "POST /models/scores/v3/score HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Content-Type: application/json\r\n";
  EXPECT_NE(talk(port(), head + "Content-Length: " + size + "\r\n\r\n" + body).find("0.70"),
            std::string::npos);
  EXPECT_EQ(last_target_, "/v3/score");
  EXPECT_EQ(last_body_, body);
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 10'000) {
    const std::string_view chunk = std::string_view(body).substr(at, 10'000);
    char line[32];
    std::snprintf(line, sizeof line, "%zx\r\n", chunk.size());
    chunks.append(line).append(chunk).append("\r\n");
  }
  EXPECT_NE(
      talk(port(), head + "Transfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n").find("0.70"),
      std::string::npos);
  EXPECT_EQ(last_target_, "/v3/score");
  EXPECT_EQ(last_body_, body);
}

TEST_F(GatewayTest, AFieldThatRepeatsWhatWasRedactedStaysHere) {
  std::string fields;
  answer_with([&](const net::HttpRequest& request, net::Responder& responder) -> net::Task<void> {
    fields.clear();
    for (const auto field : request.head.fields()) fields += std::string(field.name) + "\n";
    net::HttpResponse response;
    response.content_type = "application/json";
    response.body = tool_result("done");
    (void)co_await responder.send(response);
  });
  const std::string call = call_tool("Mcp-Param-X: number 42\r\nMcp-Session-Id: s\r\n");
  start({});
  EXPECT_EQ(talk(port(), call).rfind("HTTP/1.1 200", 0), 0u);
  EXPECT_NE(fields.find("Mcp-Param-X"), std::string::npos) << fields;
  EXPECT_NE(fields.find("Mcp-Session-Id"), std::string::npos) << fields;
  gateway_.reset();
  start({.on_request = [](std::span<const Segment> segments, StageOutput& out) -> Result<void> {
    const Segment& x = segments.back();
    out.redact(fired(), Edit{std::string(x.pointer), Span{7, 9}, "*"});
    return {};
  }});
  EXPECT_EQ(talk(port(), call).rfind("HTTP/1.1 200", 0), 0u);
  EXPECT_NE(last_body_.find("number *"), std::string::npos) << last_body_;
  EXPECT_EQ(fields.find("Mcp-Param-X"), std::string::npos) << fields;
  EXPECT_NE(fields.find("Mcp-Session-Id"), std::string::npos) << fields;
}

// The events of a response repeat its text; what a rule takes out of the deltas, which it
// holds back until it knows, must be in none of them.
TEST_F(GatewayTest, RedactsEveryRepetitionInAStreamOfResponses) {
  const auto event = [](std::string_view type, std::string_view rest) {
    return "data: {\"type\":\"response." + std::string(type) + "\"," + std::string(rest) + "}\n\n";
  };
  const auto delta = [&](std::string_view text) {
    return event("output_text.delta",
                 "\"output_index\":0,\"content_index\":0,\"delta\":\"" + std::string(text) + "\"");
  };
  const std::string item = R"({"type":"message","content":[{"type":"output_text","text":"a 42"}]})";
  answer_stream(
      {event("created", R"("response":{"id":"r","output":[]})"), delta("a "), delta("4"),
       delta("2"),
       event("output_text.done", R"("output_index":0,"content_index":0,"text":"a \u00342")"),
       event("output_item.done", R"("output_index":0,"item":)" + item),
       event("completed", R"("response":{"id":"r","status":"completed","output":[)" + item + "]}"),
       "data: [DONE]\n\n"});
  start(redact_42());
  const std::string body = R"({"model":"chat","stream":true,"input":"x"})";
  std::string request = post(body, "Connection: close\r\n");
  request.replace(request.find("/chat/completions"), 17, "/responses");
  const std::string got = talk(port(), request);
  std::size_t times = 0;
  for (auto at = got.find("[number]"); at != std::string::npos; at = got.find("[number]", at + 1)) {
    ++times;
  }
  EXPECT_EQ(times, 4U) << got;
  for (const char* hidden : {"42", "u0034", "\"4\"", "\"2\"", "[DONE]"}) {
    EXPECT_EQ(got.find(hidden), std::string::npos) << hidden << " in " << got;
  }
  EXPECT_NE(got.find("response.completed"), std::string::npos) << got;
  EXPECT_EQ(sink_.exchange().text(Field::finish_reason), "completed");
}

TEST_F(GatewayTest, AStreamIsRelayedByteForByteWithoutStages) {
  const std::vector<std::string> events{": hi\n\n", sse("a"), sse("b", "\"stop\""),
                                        "data: [DONE]\n\n"};
  answer_stream(events);
  start({});
  std::string got = ask("hello", true);
  std::string payload;
  for (const std::string& event : events) payload += event;
  // Take the chunk framing out again.
  got = got.substr(got.find("\r\n\r\n") + 4);
  std::string plain;
  for (std::size_t at = 0; at < got.size();) {
    const auto line = got.find("\r\n", at);
    const std::size_t size = std::stoul(got.substr(at, line - at), nullptr, 16);
    plain += got.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  EXPECT_EQ(plain, payload);
  EXPECT_EQ(sink_.exchange().text(Field::finish_reason), "stop");
}

TEST_F(GatewayTest, ADenialInsideAStreamEndsItInTheDialect) {
  answer_stream({sse("fine "), sse("bad"), sse(" never seen"), "data: [DONE]\n\n"});
  start({.on_chunk = [](const StreamSegment& piece, StageOutput& out) -> Result<void> {
    if (piece.text.find("bad") != std::string_view::npos) out.deny(fired());
    return {};
  }});
  const std::string got = ask("hello", true);
  EXPECT_NE(got.find("fine "), std::string::npos) << got;
  EXPECT_EQ(got.find("bad"), std::string::npos) << got;
  EXPECT_EQ(got.find("never seen"), std::string::npos) << got;
  EXPECT_NE(got.find("content_filter"), std::string::npos) << got;
  EXPECT_NE(got.find("[DONE]"), std::string::npos) << got;
  EXPECT_NE(got.find("\r\n0\r\n\r\n"), std::string::npos) << got;
  EXPECT_EQ(sink_.exchange().text(Field::decision), "deny");
}

TEST_F(GatewayTest, AnAnswerThatNobodyCanReadIsRefusedUnderAnEnforcedRule) {
  answer_json("not json");
  start(redact_42());
  const std::string got = ask("hello");
  EXPECT_NE(got.find("gateway.answer.not_examined"), std::string::npos) << got;
}

class ContainedStream : public GatewayTest, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(WhetherAStageReadsItOrNot, ContainedStream, ::testing::Bool());

TEST_P(ContainedStream, IsCut) {
  std::atomic<bool> go{false};
  answer_with([&go](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
    (void)co_await responder.begin_stream("text/event-stream");
    (void)co_await responder.chunk(sse("first"));
    while (!go) {
      net::asio::steady_timer pause(responder.loop().executor(), std::chrono::milliseconds(5));
      boost::system::error_code error;
      co_await pause.async_wait(net::asio::redirect_error(net::kAwait, error));
    }
    (void)co_await responder.chunk(sse("second"));
    (void)co_await responder.end_stream();
  });
  Hooks hooks;
  if (GetParam()) {
    hooks.on_chunk = [](const StreamSegment&, StageOutput&) -> Result<void> { return {}; };
  }
  start(std::move(hooks));
  Client client(port());
  ASSERT_TRUE(client.send(
      post(R"({"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]})")));
  ASSERT_NE(client.read_until("first").find("first"), std::string::npos);
  ASSERT_TRUE(control_.quarantine("chat", "a test").ok());
  go = true;
  const std::string got = client.read_to_end();
  EXPECT_EQ(got.find("second"), std::string::npos) << got;
  EXPECT_EQ(sink_.exchange().text(Field::rules), "access.control.contained");
}

TEST_F(GatewayTest, AStreamThatAnObservingStageCannotReadIsNotShortenedInSilence) {
  // One event larger than any that the dialect takes.
  answer_stream({sse("fine"), "data: " + std::string(2 << 20, 'x') + "\n\n", "data: [DONE]\n\n"});
  start({.on_chunk = [](const StreamSegment&, StageOutput&) -> Result<void> { return {}; }},
        Mode::observe);
  const std::string got = ask("hello", true);
  EXPECT_NE(got.find("fine"), std::string::npos);
  EXPECT_NE(got.find("upstream_failed"), std::string::npos) << got.substr(0, 2000);
}

TEST_F(GatewayTest, AnUpstreamThatDiesInsideAStreamIsNoSilentCut) {
  answer_with([](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
    (void)co_await responder.begin_stream("text/event-stream");
    (void)co_await responder.chunk(sse("half"));
    // Returning without an end closes the connection.
  });
  start({});
  const std::string got = ask("hello", true);
  EXPECT_NE(got.find("half"), std::string::npos) << got;
  EXPECT_NE(got.find("upstream_failed"), std::string::npos) << got;
}

TEST_F(GatewayTest, FinishComesExactlyOnceAlsoWhenTheClientIsGone) {
  std::atomic<int> finished{0};
  answer_with([](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
    (void)co_await responder.begin_stream("text/event-stream");
    for (int i = 0; i < 2000; ++i) {
      const net::Io io = co_await responder.chunk(sse(std::string(4000, 'x')));
      if (io != net::Io::ok) co_return;
    }
    (void)co_await responder.end_stream();
  });
  start({.finish = [&](const Outcome&) { ++finished; }});
  {
    Client client(port());
    ASSERT_TRUE(client.send(
        post(R"({"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]})")));
    (void)client.read_until("xxxx");
  }
  (void)sink_.exchange();
  EXPECT_EQ(finished, 1);
}

TEST_F(GatewayTest, KeepsTheConnectionAfterARefusalWhoseBodyIsThere) {
  answer_json(kAnswer);
  start({});
  Client client(port());
  ASSERT_TRUE(client.send(post(R"({"model":"nope","messages":[]})")));
  (void)client.read_until("model_not_found");
  ASSERT_TRUE(client.send(post(R"({"model":"chat","messages":[]})")));
  EXPECT_NE(client.read_until("the code is 42").find("the code is 42"), std::string::npos);
}

TEST_F(GatewayTest, TakesPipelinedRequestsInOrder) {
  answer_json(kAnswer);
  start({});
  const std::string one = post(R"({"model":"chat","messages":[]})");
  const std::string last = post(R"({"model":"nope","messages":[]})", "Connection: close\r\n");
  const std::string got = talk(port(), one + one + last);
  const auto first = got.find("the code is 42");
  const auto second = got.find("the code is 42", first + 1);
  EXPECT_NE(second, std::string::npos) << got;
  EXPECT_LT(second, got.find("model_not_found"));
  EXPECT_EQ(calls_, 2);
}

TEST_F(GatewayTest, ReadsAChunkedRequest) {
  answer_json(kAnswer);
  start({});
  const std::string got =
      talk(port(),
           "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
           "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
           "10\r\n{\"model\":\"chat\",\r\ne\r\n\"messages\":[]}\r\n0\r\n\r\n");
  EXPECT_NE(got.find("the code is 42"), std::string::npos) << got;
  EXPECT_EQ(last_body_, R"({"model":"chat","messages":[]})");
}

TEST_F(GatewayTest, ANewSnapshotHoldsForTheNextExchange) {
  answer_json(kAnswer);
  start({});
  EXPECT_EQ(ask("hello").rfind("HTTP/1.1 200", 0), 0u);
  gateway_->publish(snapshot({.on_request = [](auto, StageOutput& out) -> Result<void> {
    out.deny(fired());
    return {};
  }}));
  EXPECT_EQ(ask("hello").rfind("HTTP/1.1 403", 0), 0u);
}

TEST_F(GatewayTest, AHeadThatIsNoHttpIsRefusedAndRecorded) {
  start({});
  upstream_loops_.start();
  const std::string got = talk(port(), "GET / HTTP/1.1\nHost: x\n\n");
  EXPECT_EQ(got.rfind("HTTP/1.1 400", 0), 0u) << got;
  EXPECT_EQ(sink_.exchange().text(Field::rules), "gateway.request.malformed");
}

TEST_F(GatewayTest, AnAnswerToHeadHasNoBodyThatTheNextAnswerCouldBeginWith) {
  answer_json(kAnswer);
  start({});
  const std::string got =
      talk(port(), "HEAD /nope HTTP/1.1\r\nHost: x\r\n\r\n" +
                       post(R"({"model":"chat","messages":[]})", "Connection: close\r\n"));
  const auto end_of_head = got.find("\r\n\r\n");
  ASSERT_NE(end_of_head, std::string::npos) << got;
  EXPECT_EQ(got.substr(end_of_head + 4).rfind("HTTP/1.1 200", 0), 0u) << got;
}

TEST_F(GatewayTest, AnAnswerThatNobodyAskedForIsNeverTheNextOnes) {
  const std::string extra = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale";
  answer_with([&extra](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
    net::HttpResponse response;
    response.content_type = "application/json";
    response.body = kAnswer;
    (void)co_await responder.send(response);
    // The rest of a second answer, straight behind the first.
    (void)co_await responder.chunk(extra);
  });
  start({});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("hello").find("stale"), std::string::npos);
}

TEST_F(GatewayTest, AnAnswerWithoutABodyStaysWithoutOne) {
  answer_with([](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
    net::HttpResponse response;
    response.status = 204;
    response.content_type = "text/event-stream";
    (void)co_await responder.send(response);
  });
  start({});
  const std::string got = ask("hello");
  EXPECT_EQ(got.rfind("HTTP/1.1 204", 0), 0u) << got;
  EXPECT_TRUE(got.ends_with("\r\n\r\n")) << got;
  EXPECT_EQ(got.find("chunked"), std::string::npos) << got;
}

TEST_F(GatewayTest, WhatTwoProgramsCouldReadInTwoWaysIsRefused) {
  answer_json(kAnswer);
  start({});
  const std::string body = R"({"model":"chat","messages":[]})";
  const std::string close = "Connection: close\r\n";
  for (const char* fields : {"Content-Type: multipart/form-data; boundary=x\r\n",
                             "Content-Encoding: identity\r\nContent-Encoding: br\r\n"}) {
    const std::string got = talk(port(), post(body, fields + close));
    EXPECT_EQ(got.rfind("HTTP/1.1 400", 0), 0u) << got;
  }
  std::string with_query = post(body, close);
  with_query.replace(with_query.find("completions"), 11, "completions?q=unseen");
  EXPECT_EQ(talk(port(), with_query).rfind("HTTP/1.1 400", 0), 0u);
  EXPECT_EQ(calls_, 0);
}

TEST_F(GatewayTest, FieldsThatClaimWhatOnlyWeKnowStayHere) {
  std::string seen;
  answer_with(
      [&seen](const net::HttpRequest& request, net::Responder& responder) -> net::Task<void> {
        for (const http1::FieldView field : request.head.fields()) {
          seen += std::string(field.name) + ": " + std::string(field.value) + "\n";
        }
        net::HttpResponse response;
        response.content_type = "application/json";
        response.body = kAnswer;
        response.fields = {{"davy-request-id", "forged"}, {"Set-Cookie", "a=b"}, {"x-kept", "yes"}};
        (void)co_await responder.send(response);
      });
  start({});
  const std::string got =
      talk(port(), post(R"({"model":"chat","messages":[]})",
                        "Connection: close\r\nX-Forwarded-For: 10.1.2.3\r\nForwarded: for=x\r\n"
                        "OpenAI-Organization: theirs\r\nAuthorization: Bearer mine\r\n"
                        "Transfer_Encoding: chunked\r\ntraceparent: 00-1-2-00\r\n"));
  for (const char* gone : {"10.1.2.3", "for=x", "theirs", "mine", "Transfer_Encoding"}) {
    EXPECT_EQ(seen.find(gone), std::string::npos) << seen;
  }
  EXPECT_NE(seen.find("traceparent: 00-1-2-00"), std::string::npos) << seen;
  EXPECT_EQ(got.find("forged"), std::string::npos) << got;
  EXPECT_EQ(got.find("Set-Cookie"), std::string::npos) << got;
  EXPECT_NE(got.find("x-kept: yes"), std::string::npos) << got;
}

TEST_F(GatewayTest, DrainWaitsForWhatIsUnderWay) {
  std::atomic<bool> go{false};
  answer_with([&go](const net::HttpRequest&, net::Responder& responder) -> net::Task<void> {
    (void)co_await responder.begin_stream("text/event-stream");
    (void)co_await responder.chunk(sse("first"));
    while (!go) {
      net::asio::steady_timer pause(responder.loop().executor(), std::chrono::milliseconds(5));
      boost::system::error_code error;
      co_await pause.async_wait(net::asio::redirect_error(net::kAwait, error));
    }
    (void)co_await responder.chunk(sse("last"));
    (void)co_await responder.end_stream();
  });
  start({});
  Client client(port());
  ASSERT_TRUE(client.send(
      post(R"({"model":"chat","stream":true,"messages":[{"role":"user","content":"x"}]})")));
  (void)client.read_until("first");
  gateway_->stop_accepting(false);
  EXPECT_FALSE(gateway_->drained(Gateway::Drained::exchanges));
  go = true;
  EXPECT_NE(client.read_until("last").find("last"), std::string::npos);
  while (!gateway_->drained(Gateway::Drained::clients)) std::this_thread::yield();
  EXPECT_TRUE(gateway_->drained(Gateway::Drained::exchanges));
}

}  // namespace
}  // namespace davy::gateway
