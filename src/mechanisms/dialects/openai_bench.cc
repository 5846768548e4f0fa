#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "mechanisms/dialects/openai.h"

namespace {

using namespace davy;
using namespace davy::dialects;

// A chat request of about 1 KB with the usual escapes.
std::string chat_body() {
  std::string text;
  while (text.size() < 800)
    text += "Summarise the attached report for the board.\\nKeep it short. ";
  return R"({"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are helpful."},)"
         R"({"role":"user","content":")" +
         text + R"("}],"temperature":0.7,"max_tokens":256,"stream":true})";
}

void read_request(benchmark::State& state) {
  const std::string body = chat_body();
  const auto request = openai().make_request(0);
  for (auto _ : state) benchmark::DoNotOptimize(request->read(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(read_request);

void edit_request(benchmark::State& state) {
  const std::string body = chat_body();
  const auto request = openai().make_request(0);
  if (!request->read(body)) return state.SkipWithError("not read");
  const Edit edits[] = {{"/messages/1/content", {100, 110}, "<NAME>"},
                        {"/messages/1/content", {700, 710}, "<NAME>"}};
  for (auto _ : state) benchmark::DoNotOptimize(request->apply(edits).ok());
}
BENCHMARK(edit_request);

constexpr std::string_view kEvent =
    R"(data: {"id":"chatcmpl-123","object":"chat.completion.chunk","created":1694268190,)"
    R"("model":"gpt-4o-mini","system_fingerprint":"fp_44709d6fcb","choices":[{"index":0,)"
    R"("delta":{"content":" Hello"},"logprobs":null,"finish_reason":null}]})"
    "\n\n";

void read_event(benchmark::State& state) {
  const auto reader = openai().make_stream(0);
  StreamEvent event;
  for (auto _ : state) {
    reader->feed(kEvent);
    benchmark::DoNotOptimize(reader->next(event).ok());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kEvent.size()) * state.iterations());
}
BENCHMARK(read_event);

void edit_event(benchmark::State& state) {
  const auto reader = openai().make_stream(0);
  StreamEvent event;
  reader->feed(kEvent);
  if (!reader->next(event)) return state.SkipWithError("not read");
  const StreamEdit edits[] = {{event.segments[0].key, {1, 4}, "X"}};
  for (auto _ : state) benchmark::DoNotOptimize(reader->apply(event, edits).ok());
}
BENCHMARK(edit_event);

void read_answer(benchmark::State& state) {
  std::string text;
  while (text.size() < 800) text += "The board met on Tuesday.\\n";
  const std::string body =
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":")" +
      text + R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":12}})";
  const auto answer = openai().make_answer(0);
  for (auto _ : state) benchmark::DoNotOptimize(answer->read(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(read_answer);

}  // namespace
