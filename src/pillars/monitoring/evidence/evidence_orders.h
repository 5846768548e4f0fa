// The order evidence.flush {}: all events that were appended can be read after it.
#pragma once

#include <string>
#include <vector>

#include "core/event_sink.h"
#include "core/orders.h"

namespace davy::evidence {

class EvidenceOrders final : public OrderHandler {
 public:
  // Null where no server runs: nothing is queued then. The sink must outlive it.
  explicit EvidenceOrders(EventSink* sink) : sink_(sink) {}
  [[nodiscard]] std::vector<std::string_view> verbs() const override;
  [[nodiscard]] Result<std::string> carry_out(const OrderRequest& request, StateStore& store,
                                              Now now) override;

 private:
  EventSink* sink_;
};

}  // namespace davy::evidence
