#include "mechanisms/telemetry/sketch_cells.h"

#include <algorithm>
#include <cmath>

namespace davy::telemetry {
namespace {

const LogMapping kMapping{DDSketch::kRelativeError};

}  // namespace

bool SketchCells::add(double value) noexcept {
  const double size = std::min(std::fabs(value), kLargest);
  if (size < DDSketch::kSmallest) {
    zeros_.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  Blocks* blocks = value < 0 ? negative_.get_or_make() : &positive_;
  if (blocks == nullptr) return false;
  const auto at = static_cast<std::size_t>(kMapping.bin(size) - kFirstBin);
  Block* block = blocks->at(at / kBlock).get_or_make();
  if (block == nullptr) return false;
  block->counts[at % kBlock].fetch_add(1, std::memory_order_relaxed);
  return true;
}

void SketchCells::add_to(DDSketch& sketch) const {
  add_blocks_to(positive_, false, sketch);
  if (const Blocks* negative = negative_.get()) add_blocks_to(*negative, true, sketch);
  sketch.add_zeros(zeros_.load(std::memory_order_relaxed));
}

void SketchCells::add_blocks_to(const Blocks& blocks, bool negative, DDSketch& sketch) {
  for (std::size_t b = kBlocks; b-- > 0;) {
    const Block* block = blocks[b].get();
    if (block == nullptr) continue;
    for (std::size_t i = kBlock; i-- > 0;) {
      const auto bin = static_cast<std::int32_t>(b * kBlock + i) + kFirstBin;
      sketch.add_bin(bin, negative, block->counts[i].load(std::memory_order_relaxed));
    }
  }
}

}  // namespace davy::telemetry
