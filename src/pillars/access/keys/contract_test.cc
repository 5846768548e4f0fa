// The contracts of core, kept by the keys.
#include <gtest/gtest.h>

#include <memory>

#include "core/contract/command_contract.h"
#include "core/contract/config_section_contract.h"
#include "core/contract/memory.h"
#include "core/contract/order_handler_contract.h"
#include "core/contract/stage_contract.h"
#include "pillars/access/keys/access_config.h"
#include "pillars/access/keys/command.h"
#include "pillars/access/keys/key_orders.h"
#include "pillars/access/keys/keys_stage.h"

namespace davy {
namespace {

const access::KeyRing& a_ring() {
  static const access::KeyRing ring({Secret::copy_of("a pepper for a test"), "nowhere"});
  return ring;
}

StageUnderTest stage(bool required) {
  return {[required] { return std::make_unique<const access::KeysStage>(a_ring(), required); }, {}};
}

CommandFactory command(std::size_t at) {
  return [at] { return std::move(access::key_commands().at(at)); };
}

INSTANTIATE_TEST_SUITE_P(Keys, StageContract, ::testing::Values(stage(true), stage(false)));
INSTANTIATE_TEST_SUITE_P(Access, ConfigSectionContract, ::testing::Values([] {
                           return std::make_unique<const access::AccessSection>();
                         }));
INSTANTIATE_TEST_SUITE_P(Keys, CommandContract,
                         ::testing::Values(command(0), command(1), command(2)));
INSTANTIATE_TEST_SUITE_P(Keys, OrderHandlerContract,
                         ::testing::Values(OrderHandlerUnderTest{
                             [] { return std::make_unique<access::KeyOrders>("nowhere"); },
                             [] { return std::make_unique<contract::MemoryStateStore>(); }}));

}  // namespace
}  // namespace davy
