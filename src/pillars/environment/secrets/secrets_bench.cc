#include <benchmark/benchmark.h>

#include <string>

#include "mechanisms/formats/scan_driver.h"
#include "pillars/environment/secrets/secrets.h"

namespace {

void text(benchmark::State& state) {
  const auto scanner = davy::secrets::make_scanner();
  std::string bytes;
  while (bytes.size() < (std::size_t{64} << 20)) {
    bytes +=
        "db.url = https://example.org/path?x=1  # Skip this, it asks for nothing special: ok\n";
  }
  for (auto _ : state) {
    davy::formats::ScanDriver driver(**scanner, {}, {}, davy::system_clock());
    driver.scan_artifact({"file", "text", bytes, -1, bytes.size()});
    benchmark::DoNotOptimize(driver.take_report("text"));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(text);

}  // namespace
