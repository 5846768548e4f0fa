#include "pillars/monitoring/evidence/evidence_orders.h"

#include <boost/json.hpp>

namespace davy::evidence {
namespace {

constexpr std::string_view kFlush = "evidence.flush";

}  // namespace

std::vector<std::string_view> EvidenceOrders::verbs() const { return {kFlush}; }

Result<std::string> EvidenceOrders::carry_out(const OrderRequest& request, StateStore&, Now) {
  if (request.verb != kFlush) return invalid_input("the evidence knows one order: evidence.flush");
  boost::json::error_code code;
  const boost::json::value arguments = boost::json::parse(request.arguments, code);
  if (code || !arguments.is_object() || !arguments.get_object().empty()) {
    return invalid_input("evidence.flush takes an empty JSON object");
  }
  if (sink_ != nullptr) DAVY_TRY(sink_->flush());
  return std::string("{}");
}

}  // namespace davy::evidence
