// DDSketch: quantiles of a stream of numbers with a bound on the relative error.
//
// After C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile
// sketch with relative-error guarantees", VLDB 2019. A number falls in the bin
// ceil(log_gamma |x|) with gamma = (1 + e) / (1 - e); a bin is told by the number that
// is within e of all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace davy::telemetry {

// From a number above zero to its bin and back.
class LogMapping {
 public:
  // 0 < relative_error < 1.
  explicit LogMapping(double relative_error) noexcept;
  // `value` must be finite and above zero.
  [[nodiscard]] std::int32_t bin(double value) const noexcept;
  // A number within the relative error of every number of the bin.
  [[nodiscard]] double value(std::int32_t bin) const noexcept;

 private:
  double gamma_;
  double per_log_;  // 1 / ln gamma
};

// Not thread-safe.
class DDSketch {
 public:
  static constexpr double kRelativeError = 0.01;
  // At 1 % these bins span a factor of 6e17, from a nanosecond to twenty years.
  static constexpr std::size_t kMaxBins = 2048;
  // Closer to zero than this counts as zero.
  static constexpr double kSmallest = 1e-9;

  // `max_bins` is for each sign and at least 1.
  explicit DDSketch(double relative_error = kRelativeError, std::size_t max_bins = kMaxBins);

  // False, and nothing changes, for NaN and the infinities.
  bool add(double value, std::uint64_t times = 1);
  // The other must have the same relative error (asserted). What is merged equals what
  // one sketch would hold that saw both streams.
  void merge(const DDSketch& other);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double sum() const noexcept { return sum_; }
  // The q-quantile, 0 <= q <= 1 (others are cut to it): within the relative error of the
  // number of rank floor(q * (count - 1)) in order. NaN when nothing was added.
  // Where the numbers of one sign span more than max_bins, the bins nearest to zero
  // have become one: quantiles that fall into it are too far from zero; the others hold.
  [[nodiscard]] double quantile(double q) const noexcept;
  [[nodiscard]] bool collapsed() const noexcept {
    return positive_.collapsed || negative_.collapsed;
  }

  // For recorders that count by themselves: `times` numbers of a bin, without their sum.
  void add_bin(std::int32_t bin, bool negative, std::uint64_t times);
  void add_zeros(std::uint64_t times) noexcept;
  void add_sum(double sum) noexcept { sum_ += sum; }

 private:
  // Counts of the bins first, first + 1, …; at most max_bins of them.
  struct Store {
    std::int32_t first = 0;
    std::vector<std::uint64_t> counts{};
    bool collapsed = false;

    void add(std::int32_t bin, std::uint64_t times, std::size_t max_bins);
  };

  LogMapping mapping_;
  double relative_error_;
  std::size_t max_bins_;
  Store positive_{};
  Store negative_{};
  std::uint64_t zeros_ = 0;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace davy::telemetry
