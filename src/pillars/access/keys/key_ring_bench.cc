// What it costs to know a caller; the goal is at most 2 µs.
#include <benchmark/benchmark.h>

#include "pillars/access/keys/key_text.h"
#include "pillars/access/keys/testing.h"

namespace davy::access {
namespace {

testing::KeyHome& home() {
  static testing::KeyHome made;
  return made;
}

const std::string& known_key() {
  static const std::string key = [] {
    for (int i = 0; i < 200; ++i) (void)home().create("filler");
    return testing::text(home().create("bench"), "key");
  }();
  return key;
}

void BM_GoodKey(benchmark::State& state) {
  const std::string& key = known_key();
  for (auto _ : state) benchmark::DoNotOptimize(home().ring.check(key, WallTime()));
}
BENCHMARK(BM_GoodKey)->Threads(1)->Threads(2);

void BM_UnknownKey(benchmark::State& state) {
  (void)known_key();
  const Secret key = new_key();
  for (auto _ : state) benchmark::DoNotOptimize(home().ring.check(key.expose(), WallTime()));
}
BENCHMARK(BM_UnknownKey);

void BM_DamagedKey(benchmark::State& state) {
  std::string key = known_key();
  key.back() = key.back() == '0' ? '1' : '0';
  for (auto _ : state) benchmark::DoNotOptimize(home().ring.check(key, WallTime()));
}
BENCHMARK(BM_DamagedKey);

}  // namespace
}  // namespace davy::access
