#include <benchmark/benchmark.h>

#include <string>

#include "mechanisms/crypto/sha256.h"

namespace davy::crypto {
namespace {

void BM_Sha256(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  for (auto _ : state) benchmark::DoNotOptimize(sha256(text));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Sha256)->Arg(64)->Arg(1024)->Arg(1 << 20);

void BM_HmacOfAKey(benchmark::State& state) {
  const HmacKey key(Secret::copy_of(std::string(32, 'p')));
  const std::string text(67, 'x');  // the length of a davy_ key
  for (auto _ : state) benchmark::DoNotOptimize(key.sign(text));
}
BENCHMARK(BM_HmacOfAKey)->Threads(1)->Threads(2);

}  // namespace
}  // namespace davy::crypto
