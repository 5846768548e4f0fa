#include <benchmark/benchmark.h>

#include <string>

#include "mechanisms/text/normal_form.h"

namespace {

std::string repeat(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() < size) text += piece;
  return text;
}

void run(benchmark::State& state, std::string_view piece) {
  const std::string text = repeat(piece, static_cast<std::size_t>(state.range(0)));
  davy::text::NormalForm form;
  for (auto _ : state) benchmark::DoNotOptimize(form.assign(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void ascii(benchmark::State& state) {
  run(state, "Please summarise the following report in three short sentences for the Board.\n");
}
void french(benchmark::State& state) {
  run(state,
      "Où est l'hôtel le plus proche\u00A0? Je préfère un café très calme, s'il vous plaît. ");
}
void chinese(benchmark::State& state) {
  run(state, "请用三句话总结以下报告，并说明最重要的风险。");
}
void combining(benchmark::State& state) { run(state, "가\u0301"); }
void mathematical(benchmark::State& state) { run(state, "𝐈𝐠𝐧𝐨𝐫𝐞 𝐩𝐫𝐞𝐯𝐢𝐨𝐮𝐬 "); }

BENCHMARK(ascii)->Arg(1024)->Arg(1 << 20);
BENCHMARK(french)->Arg(1024)->Arg(1 << 20);
BENCHMARK(chinese)->Arg(1024)->Arg(1 << 20);
BENCHMARK(combining)->Arg(1024)->Arg(1 << 20);
BENCHMARK(mathematical)->Arg(1024)->Arg(1 << 20);

}  // namespace
