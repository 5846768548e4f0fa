#include "surfaces/gateway/upstream_choice.h"

#include <gtest/gtest.h>

#include <random>

#include "mechanisms/telemetry/metrics_registry.h"
#include "surfaces/gateway/upstream_keeper.h"

namespace davy::gateway {
namespace {

using namespace std::chrono_literals;
using Failure = net::CircuitBreaker::Failure;

constexpr Now kNow{SteadyTime{24h}, WallTime{24h}};

class UpstreamChoiceTest : public ::testing::Test {
 protected:
  // Upstreams at ports 1, 2, …; with weights they are shared.
  const Model& make(std::size_t count, const std::vector<std::uint32_t>& weights = {}) {
    auto snapshot = std::make_shared<Snapshot>();
    Model& model = snapshot->settings.models.emplace_back();
    model.name = "chat";
    model.shares = !weights.empty();
    for (std::size_t i = 0; i < count; ++i) {
      Upstream& upstream = model.upstreams.emplace_back();
      upstream.url.host = "127.0.0.1";
      upstream.url.port = static_cast<std::uint16_t>(i + 1);
      upstream.position = i;
      if (!weights.empty()) upstream.weight = weights[i];
    }
    published_ = Published::make(std::move(snapshot), directory_);
    return published_->snapshot->settings.models[0];
  }
  void open(const Model& model, std::size_t at) {
    for (unsigned i = 0; i < net::CircuitBreaker::kFailures; ++i) {
      published_->of(model).targets[at]->failed(net::UpstreamTarget::Permit::normal,
                                                Failure::answer, "a test", kNow);
    }
  }
  double fail_overs(const char* port, const char* reason) {
    const std::string line =
        "davy_upstream_failovers_total{model=\"chat\",upstream=\"127.0.0.1:" + std::string(port) +
        "\",reason=\"" + reason + "\"} ";
    const std::string text = metrics_.prometheus_text();
    const std::size_t at = text.find(line);
    return at == std::string::npos ? -1 : std::stod(text.substr(at + line.size()));
  }

  telemetry::MetricsRegistry metrics_;
  net::Resolver names_{system_clock()};
  net::ProxySettings proxies_;
  net::UpstreamDirectory directory_{names_, metrics_, proxies_};
  std::shared_ptr<const Published> published_;
};

TEST_F(UpstreamChoiceTest, WithoutWeightsTheOrderCounts) {
  const Model& model = make(3);
  UpstreamChoice choice;
  choice.begin(model, published_->of(model));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(choice.another(kNow.steady));
    ASSERT_TRUE(choice.next(kNow.steady, 0xFFFFFFFF));
    EXPECT_EQ(choice.upstream().position, i);
    choice.failed(Failure::connect, "refused", kNow);
  }
  EXPECT_FALSE(choice.another(kNow.steady));
  EXPECT_FALSE(choice.next(kNow.steady, 0)) << "each is asked once";
}

TEST_F(UpstreamChoiceTest, AnOpenBreakerIsPassedOver) {
  const Model& model = make(3);
  open(model, 0);
  UpstreamChoice choice;
  choice.begin(model, published_->of(model));
  ASSERT_TRUE(choice.next(kNow.steady, 0));
  EXPECT_EQ(choice.upstream().position, 1u);
  EXPECT_EQ(fail_overs("1", "open"), 1);
  open(model, 2);
  EXPECT_FALSE(choice.another(kNow.steady));

  open(model, 1);
  UpstreamChoice none;
  none.begin(model, published_->of(model));
  EXPECT_FALSE(none.next(kNow.steady, 0));
  EXPECT_GT(none.wait(kNow.steady), 0ns);
}

TEST_F(UpstreamChoiceTest, AnUpstreamThatIsNotWellIsPassedOver) {
  const Model& model = make(2);
  published_->of(model).targets[0]->set_well(false, "a test");
  UpstreamChoice choice;
  choice.begin(model, published_->of(model));
  ASSERT_TRUE(choice.next(kNow.steady, 0));
  EXPECT_EQ(choice.upstream().position, 1u);
}

TEST_F(UpstreamChoiceTest, WhoIsNotReportedWasGivenUp) {
  const Model& model = make(1);
  open(model, 0);
  const SteadyTime later = kNow.steady + 2 * net::CircuitBreaker::kFirstPause;
  {
    UpstreamChoice leaver;
    leaver.begin(model, published_->of(model));
    ASSERT_TRUE(leaver.next(later, 0));
  }
  UpstreamChoice next;
  next.begin(model, published_->of(model));
  EXPECT_TRUE(next.next(later, 0)) << "the probe of one who left must not keep others out";
}

TEST_F(UpstreamChoiceTest, WeightsShareAsTheySay) {
  const std::vector<std::uint32_t> weights{5, 3, 0, 2};
  const Model& model = make(4, weights);
  const std::uint32_t seed = 20'261'124;
  std::mt19937 random(seed);
  std::vector<int> seen(4);
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    UpstreamChoice choice;
    choice.begin(model, published_->of(model));
    ASSERT_TRUE(choice.next(kNow.steady, static_cast<std::uint32_t>(random())));
    ++seen[choice.upstream().position];
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double share = weights[i] / 10.0;
    // Five standard deviations of a binomial.
    const double bound = 5 * std::sqrt(kDraws * share * (1 - share));
    EXPECT_NEAR(seen[i], kDraws * share, bound) << i << ", seed " << seed;
  }
  EXPECT_EQ(seen[2], 0);
}

TEST_F(UpstreamChoiceTest, WhenASharingUpstreamFailsTheOthersTakeItsPart) {
  const Model& model = make(3, {1, 1, 0});
  UpstreamChoice choice;
  choice.begin(model, published_->of(model));
  ASSERT_TRUE(choice.next(kNow.steady, 0));
  const std::size_t first = choice.upstream().position;
  choice.failed(Failure::connect, "refused", kNow);
  ASSERT_TRUE(choice.next(kNow.steady, 0));
  EXPECT_EQ(choice.upstream().position, 1 - first);
  choice.failed(Failure::connect, "refused", kNow);
  EXPECT_FALSE(choice.next(kNow.steady, 0)) << "a weight of 0 gets nothing";
}

TEST_F(UpstreamChoiceTest, AReloadForgetsNothing) {
  open(make(2), 0);
  const Model& reloaded = make(2);
  UpstreamChoice choice;
  choice.begin(reloaded, published_->of(reloaded));
  ASSERT_TRUE(choice.next(kNow.steady, 0));
  EXPECT_EQ(choice.upstream().position, 1u);
}

TEST(HealthTally, TakesMoreThanOneCheckToChangeItsMind) {
  HealthTally tally;
  EXPECT_TRUE(tally.report(false));
  EXPECT_TRUE(tally.report(false));
  EXPECT_TRUE(tally.report(true));
  EXPECT_TRUE(tally.report(false));
  EXPECT_TRUE(tally.report(false));
  EXPECT_FALSE(tally.report(false));
  EXPECT_FALSE(tally.report(true));
  EXPECT_FALSE(tally.report(false));
  EXPECT_FALSE(tally.report(true));
  EXPECT_TRUE(tally.report(true));
}

}  // namespace
}  // namespace davy::gateway
