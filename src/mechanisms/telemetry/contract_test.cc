// The contracts of core/metrics.h and core/admin_route.h hold for what is here.
#include <gtest/gtest.h>

#include "core/contract/admin_route_contract.h"
#include "core/contract/metrics_contract.h"
#include "mechanisms/telemetry/admin_routes.h"
#include "mechanisms/telemetry/metrics_registry.h"

namespace davy {

INSTANTIATE_TEST_SUITE_P(Registry, MetricsContract,
                         ::testing::Values([]() -> std::unique_ptr<Metrics> {
                           return std::make_unique<telemetry::MetricsRegistry>();
                         }));

INSTANTIATE_TEST_SUITE_P(
    Telemetry, AdminRouteContract,
    ::testing::Values([] { return telemetry::health_route(); },
                      [] { return telemetry::ready_route([] { return std::nullopt; }); },
                      [] {
                        static const telemetry::MetricsRegistry metrics;
                        return telemetry::metrics_route(metrics);
                      }));

}  // namespace davy
