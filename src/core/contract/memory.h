// The smallest implementations that keep the contracts of stores and metrics: they prove
// the suites, and tests elsewhere may use them as doubles.
#pragma once

#include <array>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include "core/contract/violations.h"
#include "core/event_sink.h"
#include "core/metrics.h"
#include "core/state_store.h"

namespace davy::contract {

class MemoryStateStore : public StateStore {
 public:
  Result<std::optional<std::string>> get(std::string_view table,
                                         std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = rows_.find({std::string(table), std::string(key)});
    if (found == rows_.end()) return std::optional<std::string>{};
    return std::optional<std::string>(found->second);
  }
  Result<void> scan(
      std::string_view table,
      const std::function<void(std::string_view, std::string_view)>& row) const override {
    const std::lock_guard lock(mutex_);
    for (const auto& [place, value] : rows_) {
      if (place.first == table) row(place.second, value);
    }
    return {};
  }
  Result<std::uint64_t> apply(const Order& order, std::span<const Change> changes) override {
    for (const Change& change : changes) DAVY_TRY(check(change));
    const std::lock_guard lock(mutex_);
    for (const Change& change : changes) {
      if (change.value) {
        rows_.insert_or_assign({change.table, change.key}, *change.value);
      } else {
        rows_.erase({change.table, change.key});
      }
    }
    orders_.push_back(order);
    orders_.back().sequence = orders_.size();
    return orders_.back().sequence;
  }
  Result<std::uint64_t> last_order() const override {
    const std::lock_guard lock(mutex_);
    return static_cast<std::uint64_t>(orders_.size());
  }
  Result<std::vector<Order>> orders_after(std::uint64_t sequence,
                                          std::size_t limit) const override {
    const std::lock_guard lock(mutex_);
    std::vector<Order> found;
    for (const Order& order : orders_) {
      if (order.sequence > sequence && found.size() < limit) found.push_back(order);
    }
    return found;
  }

 private:
  static Result<void> check(const Change& change) {
    const bool table_ok =
        !change.table.empty() && change.table.size() <= 64 &&
        change.table.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
    if (!table_ok) return invalid_input("this is no name of a table");
    if (change.key.empty() || change.key.size() > 512) return invalid_input("no key of its size");
    if (change.value && change.value->size() > (1U << 20)) return invalid_input("value too large");
    return {};
  }

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> rows_;
  std::vector<Order> orders_;
};

// Sink and reader over one list.
class MemoryEvents : public EventSink, public EventReader {
 public:
  Result<void> begin(const Event& begin) override { return append(begin); }
  Result<void> append(const Event& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    return {};
  }
  Result<void> flush() override { return {}; }
  EventSinkStats stats() const noexcept override {
    const std::lock_guard lock(mutex_);
    return {events_.size(), 0};
  }
  Result<std::vector<Event>> find(std::string_view request_id) const override {
    const std::lock_guard lock(mutex_);
    std::vector<Event> found;
    for (const Event& event : events_) {
      if (!request_id.empty() && event.text(Field::request_id) == request_id) {
        found.push_back(event);
      }
    }
    return found;
  }

 protected:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

// Families of exactly one label; enough for the contract.
class MemoryMetrics : public Metrics {
 public:
  MetricSeries series(const MetricFamily& family,
                      std::span<const std::string_view> values) override {
    const std::lock_guard lock(mutex_);
    std::string value = values.empty() ? std::string() : quoted(values.front());
    auto key = std::pair(family.name, std::move(value));
    auto found = index_.find(key);
    if (found == index_.end() && cells_.size() >= kMaxSeries) {
      key.second = "other";
      found = index_.find(key);
    }
    if (found == index_.end()) {
      families_.insert_or_assign(family.name, family);
      found = index_.emplace(std::move(key), static_cast<std::uint32_t>(cells_.size())).first;
      cells_.push_back({});
    }
    return {found->second};
  }
  void add(MetricSeries series, double by) noexcept override {
    const std::lock_guard lock(mutex_);
    cells_[series.index].sum += by;
  }
  void set(MetricSeries series, double value) noexcept override {
    const std::lock_guard lock(mutex_);
    cells_[series.index].sum = value;
  }
  void observe(MetricSeries series, double value) noexcept override {
    const std::lock_guard lock(mutex_);
    cells_[series.index].sum += value;
    ++cells_[series.index].count;
  }
  std::string prometheus_text() const override {
    const std::lock_guard lock(mutex_);
    constexpr std::array<const char*, 3> kKinds{"counter", "gauge", "summary"};
    std::string out;
    std::string last;
    for (const auto& [key, index] : index_) {
      const MetricFamily& family = families_.at(key.first);
      if (last != key.first) {
        out += "# HELP " + key.first + " " + family.help + "\n# TYPE " + key.first + " " +
               kKinds[static_cast<std::size_t>(family.kind)] + "\n";
        last = key.first;
      }
      const bool distribution = family.kind == MetricKind::distribution;
      const std::string labels = "{" + family.labels.front() + "=\"" + key.second + "\"} ";
      out += key.first + (distribution ? "_sum" : "") + labels + number(cells_[index].sum);
      if (distribution) {
        out += key.first + "_count" + labels + std::to_string(cells_[index].count) + "\n";
      }
    }
    return out;
  }

 private:
  static constexpr std::size_t kMaxSeries = 10'000;
  struct Cell {
    double sum = 0;
    std::uint64_t count = 0;
  };
  static std::string quoted(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '\\' || c == '"') out += '\\';
      out += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return out;
  }
  static std::string number(double value) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.17g\n", value);
    return text.data();
  }

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::uint32_t> index_;
  std::map<std::string, MetricFamily> families_;
  std::vector<Cell> cells_;
};

}  // namespace davy::contract
