#include "mechanisms/telemetry/ddsketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>

#include "mechanisms/telemetry/sketch_cells.h"

namespace davy::telemetry {
namespace {

// The bound is e by construction; the slack is for rounding in log and pow.
constexpr double kBound = DDSketch::kRelativeError + 1e-9;
constexpr std::array<double, 11> kQuantiles{0,   0.001, 0.01,  0.1,    0.25, 0.5,
                                            0.9, 0.99,  0.999, 0.9999, 1};

double exact(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

void expect_within_bound(const DDSketch& sketch, std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  ASSERT_EQ(sketch.count(), numbers.size());
  for (const double q : kQuantiles) {
    const double want = exact(numbers, q);
    EXPECT_LE(std::fabs(sketch.quantile(q) - want), kBound * std::fabs(want))
        << "q=" << q << " want=" << want << " got=" << sketch.quantile(q);
  }
}

struct Distribution {
  std::string name;
  std::function<double(std::mt19937_64&)> draw;
};

class EveryDistribution : public ::testing::TestWithParam<Distribution> {
 protected:
  static constexpr std::uint64_t kSeed = 20'240'917;
  std::vector<double> draw(std::size_t count) {
    std::mt19937_64 random(kSeed);
    std::vector<double> numbers(count);
    for (double& n : numbers) n = GetParam().draw(random);
    return numbers;
  }
};

TEST_P(EveryDistribution, AllQuantilesAreWithinOnePercent) {
  const auto numbers = draw(50'000);
  DDSketch sketch;
  for (const double n : numbers) ASSERT_TRUE(sketch.add(n));
  EXPECT_FALSE(sketch.collapsed());
  expect_within_bound(sketch, numbers);
}

TEST_P(EveryDistribution, PartsMergedEqualTheWhole) {
  const auto numbers = draw(9'999);
  DDSketch whole;
  std::array<DDSketch, 3> parts;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    whole.add(numbers[i]);
    parts[i % 3].add(numbers[i]);
  }
  DDSketch merged;
  for (const auto& part : parts) merged.merge(part);
  EXPECT_EQ(merged.count(), whole.count());
  for (const double q : kQuantiles) EXPECT_EQ(merged.quantile(q), whole.quantile(q));
  EXPECT_NEAR(merged.sum(), whole.sum(), 1e-9 * std::fabs(whole.sum()) + 1e-9);
}

TEST_P(EveryDistribution, CellsCountAsTheSketchDoes) {
  const auto numbers = draw(10'000);
  SketchCells cells;
  for (const double n : numbers) ASSERT_TRUE(cells.add(n));
  DDSketch sketch;
  cells.add_to(sketch);
  expect_within_bound(sketch, numbers);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EveryDistribution,
    ::testing::Values(
        Distribution{"uniform",
                     [](auto& r) { return std::uniform_real_distribution(0.0, 1.0)(r); }},
        Distribution{"exponential", [](auto& r) { return std::exponential_distribution(20.0)(r); }},
        Distribution{"lognormal",
                     [](auto& r) { return std::lognormal_distribution(-6.0, 2.0)(r); }},
        Distribution{"pareto",
                     [](auto& r) {
                       return std::pow(1 - std::uniform_real_distribution(0.0, 1.0)(r), -1.5);
                     }},
        Distribution{"both_signs", [](auto& r) { return std::normal_distribution(0.5, 30.0)(r); }},
        Distribution{"mostly_zero",
                     [](auto& r) {
                       return std::bernoulli_distribution(0.3)(r)
                                  ? std::exponential_distribution(1.0)(r)
                                  : 0.0;
                     }},
        Distribution{"one_value", [](auto&) { return 0.7; }},
        Distribution{"powers_of_gamma",
                     [](auto& r) {
                       return std::pow(1.01 / 0.99, std::uniform_int_distribution(-300, 300)(r));
                     }},
        Distribution{"whole_numbers",
                     [](auto& r) {
                       return static_cast<double>(std::uniform_int_distribution(-50, 4000)(r));
                     }}),
    [](const auto& each) { return each.param.name; });

TEST(DDSketch, HasNoQuantileWhileEmpty) {
  const DDSketch sketch;
  EXPECT_TRUE(std::isnan(sketch.quantile(0.5)));
  EXPECT_EQ(sketch.count(), 0u);
  EXPECT_EQ(sketch.sum(), 0);
}

TEST(DDSketch, RefusesWhatIsNotFinite) {
  DDSketch sketch;
  EXPECT_FALSE(sketch.add(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(sketch.add(std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(sketch.add(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(sketch.count(), 0u);
  EXPECT_EQ(sketch.sum(), 0);
}

TEST(DDSketch, TakesTheExtremesOfDouble) {
  DDSketch sketch;
  EXPECT_TRUE(sketch.add(std::numeric_limits<double>::max()));
  EXPECT_TRUE(sketch.add(std::numeric_limits<double>::denorm_min()));
  EXPECT_TRUE(sketch.add(-0.0));
  EXPECT_EQ(sketch.quantile(0), 0);
  EXPECT_NEAR(sketch.quantile(1) / std::numeric_limits<double>::max(), 1, kBound);
}

TEST(DDSketch, CutsAQuantileOutsideZeroToOne) {
  DDSketch sketch;
  sketch.add(1);
  sketch.add(100);
  EXPECT_EQ(sketch.quantile(-3), sketch.quantile(0));
  EXPECT_EQ(sketch.quantile(7), sketch.quantile(1));
}

TEST(DDSketch, KeepsTheHighestWhenBinsRunOut) {
  // 64 bins span a factor of 3.6, the numbers one of 1,000.
  std::vector<double> numbers;
  for (int i = 1; i <= 1000; ++i) numbers.push_back(i);
  for (const bool upwards : {true, false}) {
    DDSketch sketch(DDSketch::kRelativeError, 64);
    if (upwards) {
      for (auto at = numbers.begin(); at != numbers.end(); ++at) sketch.add(*at);
    } else {
      for (auto at = numbers.rbegin(); at != numbers.rend(); ++at) sketch.add(*at);
    }
    EXPECT_TRUE(sketch.collapsed());
    EXPECT_EQ(sketch.count(), 1000u);
    for (const double q : {0.3, 0.5, 0.9, 0.99, 1.0}) {
      const double want = exact(numbers, q);
      EXPECT_LE(std::fabs(sketch.quantile(q) - want), kBound * want) << q;
    }
    EXPECT_GT(sketch.quantile(0.0), 2);  // the lowest are told as too high
  }
}

TEST(DDSketch, MergesWithItself) {
  DDSketch sketch;
  sketch.add(3);
  sketch.add(-5);
  sketch.merge(sketch);
  EXPECT_EQ(sketch.count(), 4u);
  EXPECT_EQ(sketch.sum(), -4);
}

TEST(SketchCells, CountWhatIsTooLargeAsTheLargest) {
  SketchCells cells;
  EXPECT_TRUE(cells.add(std::numeric_limits<double>::max()));
  EXPECT_TRUE(cells.add(-std::numeric_limits<double>::max()));
  DDSketch sketch;
  cells.add_to(sketch);
  EXPECT_EQ(sketch.count(), 2u);
  EXPECT_NEAR(sketch.quantile(1) / SketchCells::kLargest, 1, kBound);
  EXPECT_NEAR(sketch.quantile(0) / -SketchCells::kLargest, 1, kBound);
}

TEST(SketchCells, TakeTheSmallestNumberThatIsNotZero) {
  SketchCells cells;
  EXPECT_TRUE(cells.add(DDSketch::kSmallest));
  EXPECT_TRUE(cells.add(DDSketch::kSmallest / 2));
  DDSketch sketch;
  cells.add_to(sketch);
  EXPECT_EQ(sketch.quantile(0), 0);
  EXPECT_NEAR(sketch.quantile(1) / DDSketch::kSmallest, 1, kBound);
}

}  // namespace
}  // namespace davy::telemetry
