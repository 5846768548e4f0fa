#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/anthropic.h"

namespace {

using namespace davy;
using namespace davy::dialects;

// A request of about 1 KB, in the middle of a conversation with a tool.
void read_messages(benchmark::State& state) {
  std::string text;
  while (text.size() < 500)
    text += "Summarise the attached report for the board.\\nKeep it short. ";
  const std::string body =
      R"({"model":"claude","max_tokens":256,"system":"You are helpful.","messages":[)"
      R"({"role":"user","content":[{"type":"text","text":")" +
      text +
      R"("}]},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_01","name":"find",)"
      R"("input":{"query":"board report","limit":3}}]},{"role":"user","content":[)"
      R"({"type":"tool_result","tool_use_id":"toolu_01","content":"Three reports."}]}],)"
      R"("tools":[{"name":"find","description":"Finds a report.","input_schema":{"type":"object",)"
      R"("properties":{"query":{"type":"string"},"limit":{"type":"integer"}}}}],"stream":true})";
  const auto request = anthropic().make_request(0);
  for (auto _ : state) benchmark::DoNotOptimize(request->read(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(read_messages);

void read_delta(benchmark::State& state) {
  constexpr std::string_view kEvent =
      "event: content_block_delta\n"
      R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" Hello"}})"
      "\n\n";
  const auto reader = anthropic().make_stream(0);
  StreamEvent event;
  for (auto _ : state) {
    reader->feed(kEvent);
    benchmark::DoNotOptimize(reader->next(event).ok());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kEvent.size()) * state.iterations());
}
BENCHMARK(read_delta);

// What an answer costs when no stage reads it.
void account_message(benchmark::State& state) {
  std::string text;
  while (text.size() < 800) text += "The board met on Tuesday.\\n";
  const std::string body =
      R"({"id":"msg_01","type":"message","role":"assistant","model":"claude","content":[)"
      R"({"type":"text","text":")" +
      text +
      R"("}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":9,)"
      R"("cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":12}})";
  const auto answer = anthropic().make_answer(0);
  for (auto _ : state) benchmark::DoNotOptimize(answer->read_account(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(account_message);

}  // namespace
