#include <benchmark/benchmark.h>

#include <boost/json.hpp>
#include <string>

#include "mechanisms/formats/json_index.h"

namespace {

// A chat request of about 1 KB with the usual escapes.
std::string chat_body() {
  std::string text;
  while (text.size() < 800)
    text += "Summarise the attached report for the board.\\nKeep it short. ";
  return R"({"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are helpful."},)"
         R"({"role":"user","content":")" +
         text + R"("}],"temperature":0.7,"max_tokens":256,"stream":true})";
}

void index_chat(benchmark::State& state) {
  const std::string body = chat_body();
  davy::json::Index index;
  for (auto _ : state) benchmark::DoNotOptimize(index.parse(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(index_chat);

void boost_chat(benchmark::State& state) {
  const std::string body = chat_body();
  for (auto _ : state) benchmark::DoNotOptimize(boost::json::parse(body));
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(boost_chat);

// Many keys with one beginning: the duplicate check at its worst.
void index_many_keys(benchmark::State& state) {
  std::string body = "{";
  for (int i = 0; i < state.range(0); ++i) body += "\"commonprefix" + std::to_string(i) + "\":0,";
  body += "\"end\":0}";
  davy::json::Index index;
  for (auto _ : state) benchmark::DoNotOptimize(index.parse(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(index_many_keys)->Arg(10)->Arg(1000)->Arg(100000);

void index_cjk(benchmark::State& state) {
  std::string body = "\"";
  while (body.size() < 1000) body += "\xe4\xbd\xa0\xe5\xa5\xbd";
  body += '"';
  davy::json::Index index;
  for (auto _ : state) benchmark::DoNotOptimize(index.parse(body).ok());
  state.SetBytesProcessed(static_cast<std::int64_t>(body.size()) * state.iterations());
}
BENCHMARK(index_cjk);

}  // namespace
