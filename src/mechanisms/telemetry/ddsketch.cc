#include "mechanisms/telemetry/ddsketch.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace davy::telemetry {

LogMapping::LogMapping(double relative_error) noexcept
    : gamma_((1 + relative_error) / (1 - relative_error)), per_log_(1 / std::log(gamma_)) {
  assert(relative_error > 0 && relative_error < 1);
}

std::int32_t LogMapping::bin(double value) const noexcept {
  assert(value > 0 && std::isfinite(value));
  return static_cast<std::int32_t>(std::ceil(std::log(value) * per_log_));
}

double LogMapping::value(std::int32_t bin) const noexcept {
  // Between gamma^(bin-1) and gamma^bin, equally far from both in relative terms.
  const double middle = std::pow(gamma_, bin - 1) * (2 * gamma_ / (gamma_ + 1));
  return std::min(middle, std::numeric_limits<double>::max());
}

void DDSketch::Store::add(std::int32_t bin, std::uint64_t times, std::size_t max_bins) {
  if (counts.empty()) {
    first = bin;
    counts.assign(1, times);
    return;
  }
  const std::int32_t last = first + static_cast<std::int32_t>(counts.size()) - 1;
  if (bin > last) {
    const auto width = static_cast<std::size_t>(bin - first) + 1;
    if (width <= max_bins) {
      counts.resize(width);
    } else {
      // The lowest bins become one, so that the highest keep their precision.
      const std::int32_t new_first = bin - static_cast<std::int32_t>(max_bins) + 1;
      std::vector<std::uint64_t> kept(max_bins);
      for (std::size_t i = 0; i < counts.size(); ++i) {
        const std::int32_t at = first + static_cast<std::int32_t>(i);
        kept[static_cast<std::size_t>(std::max(at, new_first) - new_first)] += counts[i];
      }
      collapsed = true;
      counts = std::move(kept);
      first = new_first;
    }
  } else if (bin < first) {
    const std::int32_t lowest = std::max(bin, last - static_cast<std::int32_t>(max_bins) + 1);
    if (lowest < first) {
      counts.insert(counts.begin(), static_cast<std::size_t>(first - lowest), 0);
      first = lowest;
    }
    if (bin < first) {
      collapsed = true;
      bin = first;
    }
  }
  counts[static_cast<std::size_t>(bin - first)] += times;
}

DDSketch::DDSketch(double relative_error, std::size_t max_bins)
    : mapping_(relative_error),
      relative_error_(relative_error),
      max_bins_(std::max<std::size_t>(max_bins, 1)) {}

bool DDSketch::add(double value, std::uint64_t times) {
  if (!std::isfinite(value)) return false;
  if (times == 0) return true;
  const double size = std::fabs(value);
  if (size < kSmallest) {
    add_zeros(times);
  } else {
    add_bin(mapping_.bin(size), value < 0, times);
  }
  sum_ += value * static_cast<double>(times);
  return true;
}

void DDSketch::add_bin(std::int32_t bin, bool negative, std::uint64_t times) {
  if (times == 0) return;
  (negative ? negative_ : positive_).add(bin, times, max_bins_);
  count_ += times;
}

void DDSketch::add_zeros(std::uint64_t times) noexcept {
  zeros_ += times;
  count_ += times;
}

void DDSketch::merge(const DDSketch& other) {
  assert(relative_error_ == other.relative_error_);
  if (&other == this) {
    const DDSketch copy = other;
    return merge(copy);
  }
  const auto take = [this](Store& mine, const Store& theirs) {
    // From the highest down: what must collapse does so at once.
    for (std::size_t i = theirs.counts.size(); i-- > 0;) {
      if (theirs.counts[i] != 0) {
        mine.add(theirs.first + static_cast<std::int32_t>(i), theirs.counts[i], max_bins_);
      }
    }
    mine.collapsed = mine.collapsed || theirs.collapsed;
  };
  take(positive_, other.positive_);
  take(negative_, other.negative_);
  zeros_ += other.zeros_;
  count_ += other.count_;
  sum_ += other.sum_;
}

double DDSketch::quantile(double q) const noexcept {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(count_ - 1);
  auto left = static_cast<std::uint64_t>(position);  // how many lie below the one we seek

  for (std::size_t i = negative_.counts.size(); i-- > 0;) {  // the most negative first
    if (left < negative_.counts[i]) {
      return -mapping_.value(negative_.first + static_cast<std::int32_t>(i));
    }
    left -= negative_.counts[i];
  }
  if (left < zeros_) return 0;
  left -= zeros_;
  for (std::size_t i = 0; i < positive_.counts.size(); ++i) {
    if (left < positive_.counts[i]) {
      return mapping_.value(positive_.first + static_cast<std::int32_t>(i));
    }
    left -= positive_.counts[i];
  }
  assert(false && "counts of the bins and count_ differ");
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace davy::telemetry
