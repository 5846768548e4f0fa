// The contracts of core, kept by what lives in a home.
#include <gtest/gtest.h>

#include <memory>

#include "core/contract/event_sink_contract.h"
#include "core/contract/state_store_contract.h"
#include "mechanisms/store/jsonl_events.h"
#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TemporaryFolder;
using testing::TestHome;

// A store with the home that it lives in.
class StoreInAHome final : public StateStore {
 public:
  Result<std::optional<std::string>> get(std::string_view table,
                                         std::string_view key) const override {
    return home_.store->get(table, key);
  }
  Result<void> scan(
      std::string_view table,
      const std::function<void(std::string_view, std::string_view)>& row) const override {
    return home_.store->scan(table, row);
  }
  Result<std::uint64_t> apply(const Order& order, std::span<const Change> changes) override {
    return home_.store->apply(order, changes);
  }
  Result<std::uint64_t> last_order() const override { return home_.store->last_order(); }
  Result<std::vector<Order>> orders_after(std::uint64_t sequence,
                                          std::size_t limit) const override {
    return home_.store->orders_after(sequence, limit);
  }

 private:
  TestHome home_;
};

class EventsInAHome final : public EventStore {
 public:
  EventSink& sink() override { return *sink_; }
  const EventReader& reader() override { return *reader_; }

 private:
  TemporaryFolder folder_;
  Home home_ = must(Home::open_or_create(folder_.path()));
  HomeLock lock_ = must(HomeLock::take(home_));
  std::unique_ptr<JsonlEventSink> sink_ = must(JsonlEventSink::open(home_, lock_));
  std::unique_ptr<JsonlEventReader> reader_ = must(JsonlEventReader::open(home_));
};

}  // namespace
}  // namespace davy::store

namespace davy {

INSTANTIATE_TEST_SUITE_P(Sqlite, StateStoreContract,
                         ::testing::Values([] { return std::make_unique<store::StoreInAHome>(); }));
INSTANTIATE_TEST_SUITE_P(Jsonl, EventSinkContract, ::testing::Values([] {
                           return std::make_unique<store::EventsInAHome>();
                         }));

}  // namespace davy
