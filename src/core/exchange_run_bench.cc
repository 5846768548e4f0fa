// What the runner itself costs: an exchange of eight enforcing stages that find nothing,
// with a request of three segments and an answer of ten pieces. DESIGN section 8 leaves
// about 40 µs for a whole request.
#include <benchmark/benchmark.h>

#include <array>

#include "core/exchange_run.h"
#include "core/live_control.h"
#include "generated/rules.h"

namespace davy {
namespace {

class QuietStage final : public Stage {
 public:
  std::string_view name() const noexcept override { return "test.quiet"; }
  std::span<const RuleId> rules() const noexcept override { return kRules; }
  bool reads_request_text() const noexcept override { return true; }
  std::unique_ptr<StageRun> begin(const ExchangeInfo&) const override {
    return std::make_unique<StageRun>();
  }

 private:
  static constexpr std::array<RuleId, 1> kRules{rules::kGuardrailsSanitizePhrase};
};

void clean_exchange(benchmark::State& state) {
  Snapshot snapshot;
  snapshot.modes = RuleModes::all(Mode::enforce);
  for (int i = 0; i < 8; ++i) snapshot.stages.push_back(std::make_unique<QuietStage>());
  LiveControl control;
  if (state.range(0) != 0 && !control.revoke("another", "").ok()) return;
  const std::array<Segment, 3> segments{};
  Scratch scratch;
  for (auto _ : state) {
    ExchangeInfo info;
    info.client_ip = "192.0.2.7";
    info.snapshot = &snapshot;
    ExchangeRun run(info, &control);
    benchmark::DoNotOptimize(run.on_head({}, scratch));
    benchmark::DoNotOptimize(run.on_request(segments, scratch));
    benchmark::DoNotOptimize(run.on_answer_head({}, scratch));
    for (std::uint64_t i = 0; i < 10; ++i) {
      benchmark::DoNotOptimize(run.on_chunk({{}, i * 5, "hello", i == 9}, scratch));
    }
    run.finish({});
  }
}
BENCHMARK(clean_exchange)->ArgName("contained_others")->Arg(0)->Arg(1);

}  // namespace
}  // namespace davy
