// The bins of a DDSketch that many threads may count in at once.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "mechanisms/telemetry/ddsketch.h"
#include "mechanisms/telemetry/lazy.h"

namespace davy::telemetry {

// Relative error DDSketch::kRelativeError. Thread-safe and lock-free. Memory comes in
// blocks of 64 bins (a factor of 3.6), so that latencies of one service cost about 2 KB.
class SketchCells {
 public:
  // Numbers farther from zero than this count as this.
  static constexpr double kLargest = 1e15;

  // `value` must be finite. False when there is no memory for it.
  bool add(double value) noexcept;
  // Adds what was counted, without a sum, to a sketch of the same relative error.
  void add_to(DDSketch& sketch) const;

 private:
  static constexpr std::size_t kBlock = 64;
  static constexpr std::size_t kBlocks = 44;        // kSmallest to kLargest: 2,764 bins
  static constexpr std::int32_t kFirstBin = -1037;  // of kSmallest, with one to spare

  struct Block {
    std::array<std::atomic<std::uint64_t>, kBlock> counts{};
  };
  using Blocks = std::array<Lazy<Block>, kBlocks>;

  static void add_blocks_to(const Blocks& blocks, bool negative, DDSketch& sketch);

  Blocks positive_{};
  Lazy<Blocks> negative_{};
  std::atomic<std::uint64_t> zeros_{0};
};

}  // namespace davy::telemetry
