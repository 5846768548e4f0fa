// The choice of the matcher: Vectorscan in one pass, or memmem once a phrase.
#include <benchmark/benchmark.h>
#include <string.h>

#include <string>
#include <vector>

#include "mechanisms/text/literals.h"
#include "mechanisms/text/normal_form.h"

namespace {

std::vector<std::string> phrases(std::int64_t count) {
  std::vector<std::string> list;
  for (std::int64_t i = 0; i < count; ++i) {
    list.push_back("ignore instruction " + std::to_string(i * 7919));
  }
  return list;
}

std::string prompt(std::size_t size) {
  std::string text;
  while (text.size() < size) {
    text += "please summarise the following instruction report in three sentences. ";
  }
  text.resize(size);
  return text;
}

void vectorscan(benchmark::State& state) {
  const auto compiled = davy::text::Phrases::compile(phrases(state.range(0)));
  const std::string text = prompt(1024);
  davy::Scratch scratch;
  for (auto _ : state) benchmark::DoNotOptimize(compiled->find(text, scratch));
}

void memmem_each(benchmark::State& state) {
  const std::vector<std::string> list = phrases(state.range(0));
  const std::string text = prompt(1024);
  for (auto _ : state) {
    for (const std::string& phrase : list) {
      benchmark::DoNotOptimize(memmem(text.data(), text.size(), phrase.data(), phrase.size()));
    }
  }
}

void compile(benchmark::State& state) {
  const auto list = phrases(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(davy::text::Phrases::compile(list));
}

BENCHMARK(vectorscan)->Arg(1)->Arg(2)->Arg(8)->Arg(64)->Arg(1000);
BENCHMARK(memmem_each)->Arg(1)->Arg(2)->Arg(8)->Arg(64)->Arg(1000);
BENCHMARK(compile)->Arg(2)->Arg(1000);

}  // namespace
