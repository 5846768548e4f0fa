#include "pillars/monitoring/evidence/evidence_orders.h"

namespace davy::evidence {

std::vector<std::string_view> EvidenceOrders::verbs() const { return {"evidence.flush"}; }

Result<std::string> EvidenceOrders::carry_out(const OrderRequest&, StateStore&, Now) {
  if (sink_ != nullptr) DAVY_TRY(sink_->flush());
  return std::string("{}");
}

}  // namespace davy::evidence
