#include "mechanisms/telemetry/metrics_registry.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/strings.h"
#include "mechanisms/telemetry/prometheus_text.h"
#include "mechanisms/telemetry/sketch_cells.h"

namespace davy::telemetry {
namespace {

constexpr std::size_t kPerChunk = 128;
// Threads beyond these share the last one, which is slower and still right.
constexpr std::size_t kSlots = 64;
constexpr std::size_t kCacheLine = 64;

// The caller's slot: threads count up as they come.
std::size_t my_slot() noexcept {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t mine =
      std::min(threads.fetch_add(1, std::memory_order_relaxed), kSlots - 1);
  return mine;
}

// Where nobody else writes, a locked instruction would be waste.
void add_to(std::atomic<double>& cell, double by) noexcept {
  if (my_slot() == kSlots - 1) {
    cell.fetch_add(by, std::memory_order_relaxed);
  } else {
    cell.store(cell.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
}

bool is_name(std::string_view text, bool colon_allowed) {
  const auto letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (colon_allowed && c == ':');
  };
  return !text.empty() && letter(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

[[maybe_unused]] bool well_formed(const MetricFamily& family) {
  return is_name(family.name, true) &&
         std::all_of(family.labels.begin(), family.labels.end(),
                     [](const std::string& label) { return is_name(label, false); });
}

// What monitors call the parts of a distribution.
std::optional<double> part_of(const DDSketch& sketch, std::string_view part) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kQuantiles{
      {{"p50", 0.5}, {"p75", 0.75}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}}};
  for (const auto& [name, q] : kQuantiles) {
    if (part == name) return sketch.quantile(q);
  }
  const auto count = static_cast<double>(sketch.count());
  if (part == "count") return count;
  if (part == "sum") return sketch.sum();
  if (part == "avg") return sketch.sum() / count;
  return std::nullopt;
}

}  // namespace

// The cells that one slot has for the series of one chunk. One slot's are side by side;
// no other slot's is in their cache lines.
struct alignas(kCacheLine) MetricsRegistry::SlotBlock {
  std::array<std::atomic<double>, kPerChunk> values{};  // a distribution's sum
  std::array<Lazy<SketchCells>, kPerChunk> sketches{};
};

struct MetricsRegistry::Chunk {
  std::array<MetricKind, kPerChunk> kinds{};           // written before the index is given out
  std::array<std::atomic<double>, kPerChunk> bases{};  // what `set` puts under the cells
  std::array<Lazy<SlotBlock>, kSlots> slots{};
};

MetricsRegistry::MetricsRegistry() = default;

MetricsRegistry::~MetricsRegistry() {
  for (auto& chunk : chunks_) std::unique_ptr<Chunk>(chunk.load()).reset();
}

std::uint32_t MetricsRegistry::new_index(MetricKind kind) {
  assert(next_ < kChunks * kPerChunk);
  const std::uint32_t index = std::min<std::uint32_t>(next_, kChunks * kPerChunk - 1);
  next_ = index + 1;
  auto& chunk = chunks_[index / kPerChunk];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    chunk.store(std::make_unique<Chunk>().release(), std::memory_order_release);
  }
  chunk.load(std::memory_order_relaxed)->kinds[index % kPerChunk] = kind;
  return index;
}

MetricSeries MetricsRegistry::series(const MetricFamily& family,
                                     std::span<const std::string_view> label_values) {
  assert(well_formed(family));
  assert(label_values.size() == family.labels.size());
  std::vector<std::string> key;
  for (const std::string_view value : label_values) key.push_back(printable(value));
  key.resize(family.labels.size());

  const std::lock_guard lock(mutex_);
  auto [at, is_new] = families_.try_emplace(family.name);
  Family& known = at->second;
  if (is_new) known.about = family;
  assert(known.about.kind == family.kind && known.about.labels == family.labels);

  if (const auto found = known.series.find(key); found != known.series.end()) {
    return {found->second};
  }
  if (next_ < kMaxSeries) {
    const std::uint32_t index = new_index(family.kind);
    known.series.emplace(std::move(key), index);
    return {index};
  }
  if (!known.other) {
    // A series whose labels all say "other" already is the one to share.
    std::vector<std::string> other(family.labels.size(), "other");
    const auto there = known.series.find(other);
    known.other = there != known.series.end() ? there->second : new_index(family.kind);
    known.series.emplace(std::move(other), *known.other);
  }
  return {*known.other};
}

MetricsRegistry::Chunk* MetricsRegistry::chunk_of(MetricSeries series) const noexcept {
  const std::size_t at = series.index / kPerChunk;
  return at < kChunks ? chunks_[at].load(std::memory_order_acquire) : nullptr;
}

MetricsRegistry::SlotBlock* MetricsRegistry::block_of(Chunk& chunk) const noexcept {
  return chunk.slots[my_slot()].get_or_make();
}

void MetricsRegistry::refuse(Refusal why) noexcept {
  refused_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
}

void MetricsRegistry::add(MetricSeries series, double by) noexcept {
  Chunk* chunk = chunk_of(series);
  const std::size_t at = series.index % kPerChunk;
  if (chunk == nullptr || chunk->kinds[at] == MetricKind::distribution) {
    return refuse(Refusal::wrong_kind);
  }
  if (!std::isfinite(by)) return refuse(Refusal::not_finite);
  if (by < 0 && chunk->kinds[at] == MetricKind::counter) return refuse(Refusal::negative);
  SlotBlock* block = block_of(*chunk);
  if (block == nullptr) return refuse(Refusal::no_memory);
  add_to(block->values[at], by);
}

void MetricsRegistry::set(MetricSeries series, double value) noexcept {
  Chunk* chunk = chunk_of(series);
  const std::size_t at = series.index % kPerChunk;
  if (chunk == nullptr || chunk->kinds[at] != MetricKind::gauge) {
    return refuse(Refusal::wrong_kind);
  }
  if (!std::isfinite(value)) return refuse(Refusal::not_finite);
  // An `add` at the same time counts as before this or after it, never half.
  double cells = 0;
  for (const auto& slot : chunk->slots) {
    if (const SlotBlock* block = slot.get()) {
      cells += block->values[at].load(std::memory_order_relaxed);
    }
  }
  chunk->bases[at].store(value - cells, std::memory_order_relaxed);
}

void MetricsRegistry::observe(MetricSeries series, double value) noexcept {
  Chunk* chunk = chunk_of(series);
  const std::size_t at = series.index % kPerChunk;
  if (chunk == nullptr || chunk->kinds[at] != MetricKind::distribution) {
    return refuse(Refusal::wrong_kind);
  }
  if (!std::isfinite(value)) return refuse(Refusal::not_finite);
  SlotBlock* block = block_of(*chunk);
  SketchCells* sketch = block == nullptr ? nullptr : block->sketches[at].get_or_make();
  if (sketch == nullptr || !sketch->add(value)) return refuse(Refusal::no_memory);
  add_to(block->values[at], value);
}

double MetricsRegistry::value(MetricSeries series) const noexcept {
  const Chunk* chunk = chunk_of(series);
  const std::size_t at = series.index % kPerChunk;
  if (chunk == nullptr || chunk->kinds[at] == MetricKind::distribution) return 0;
  double sum = chunk->bases[at].load(std::memory_order_relaxed);
  for (const auto& slot : chunk->slots) {
    if (const SlotBlock* block = slot.get()) {
      sum += block->values[at].load(std::memory_order_relaxed);
    }
  }
  return sum;
}

DDSketch MetricsRegistry::distribution(MetricSeries series) const {
  DDSketch sketch;
  const Chunk* chunk = chunk_of(series);
  const std::size_t at = series.index % kPerChunk;
  if (chunk == nullptr || chunk->kinds[at] != MetricKind::distribution) return sketch;
  for (const auto& slot : chunk->slots) {
    const SlotBlock* block = slot.get();
    if (block == nullptr) continue;
    if (const SketchCells* cells = block->sketches[at].get()) cells->add_to(sketch);
    sketch.add_sum(block->values[at].load(std::memory_order_relaxed));
  }
  return sketch;
}

std::optional<std::vector<MetricsRegistry::Reading>> MetricsRegistry::read(
    std::string_view dotted_name) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    const std::string& dotted = family.about.dotted;
    if (dotted.empty() || !dotted_name.starts_with(dotted)) continue;
    std::string_view part = dotted_name.substr(dotted.size());
    const bool distribution_kind = family.about.kind == MetricKind::distribution;
    if (distribution_kind ? !part.starts_with('.') : !part.empty()) continue;
    if (distribution_kind) part.remove_prefix(1);
    std::vector<Reading> out;
    for (const auto& [label_values, index] : family.series) {
      Reading reading;
      for (std::size_t i = 0; i < label_values.size(); ++i) {
        reading.tags.emplace(family.about.labels[i], label_values[i]);
      }
      const auto read = distribution_kind ? part_of(distribution({index}), part)
                                          : std::optional<double>(value({index}));
      if (!read) return std::nullopt;
      reading.value = *read;
      out.push_back(std::move(reading));
    }
    return out;
  }
  return std::nullopt;
}

std::string MetricsRegistry::prometheus_text() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    append_family_head(out, name, family.about.help, family.about.kind);
    for (const auto& [label_values, index] : family.series) {
      append_series(out, family, label_values, index);
    }
  }
  constexpr std::string_view kRefused = "davy_metrics_refused_total";
  append_family_head(out, kRefused, "Measurements that could not be counted.", MetricKind::counter);
  constexpr std::array<std::string_view, 4> kReasons{"not_finite", "negative", "wrong_kind",
                                                     "no_memory"};
  for (std::size_t i = 0; i < kReasons.size(); ++i) {
    const std::array<Label, 1> labels{Label{"reason", kReasons[i]}};
    append_sample(out, kRefused, "", labels, static_cast<double>(refused_[i].load()));
  }
  return out;
}

void MetricsRegistry::append_series(std::string& out, const Family& family,
                                    const std::vector<std::string>& label_values,
                                    std::uint32_t index) const {
  std::vector<Label> labels;
  for (std::size_t i = 0; i < label_values.size(); ++i) {
    labels.push_back({family.about.labels[i], label_values[i]});
  }
  if (family.about.kind != MetricKind::distribution) {
    append_sample(out, family.about.name, "", labels, value({index}));
    return;
  }
  const DDSketch sketch = distribution({index});
  constexpr std::array<std::pair<double, std::string_view>, 4> kQuantiles{
      {{0.5, "0.5"}, {0.9, "0.9"}, {0.99, "0.99"}, {0.999, "0.999"}}};
  labels.push_back({"quantile", {}});
  for (const auto& [q, text] : kQuantiles) {
    labels.back().value = text;
    append_sample(out, family.about.name, "", labels, sketch.quantile(q));
  }
  labels.pop_back();
  append_sample(out, family.about.name, "_sum", labels, sketch.sum());
  append_sample(out, family.about.name, "_count", labels, static_cast<double>(sketch.count()));
}

}  // namespace davy::telemetry
