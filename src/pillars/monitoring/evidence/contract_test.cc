// The contracts of core, kept by the evidence.
#include <gtest/gtest.h>

#include <memory>

#include "core/contract/command_contract.h"
#include "core/contract/memory.h"
#include "core/contract/order_handler_contract.h"
#include "pillars/monitoring/evidence/command.h"
#include "pillars/monitoring/evidence/evidence_orders.h"

namespace davy {
namespace {

INSTANTIATE_TEST_SUITE_P(Why, CommandContract,
                         ::testing::Values([] { return evidence::why_command(); }));
INSTANTIATE_TEST_SUITE_P(Evidence, OrderHandlerContract,
                         ::testing::Values(OrderHandlerUnderTest{
                             [] { return std::make_unique<evidence::EvidenceOrders>(nullptr); },
                             [] { return std::make_unique<contract::MemoryStateStore>(); }}));

}  // namespace
}  // namespace davy
