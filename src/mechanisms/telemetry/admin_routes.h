// What a probe and a Prometheus server ask the admin listener for.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/admin_route.h"
#include "core/metrics.h"

namespace davy::telemetry {

// GET /healthz: 200 "ok" as long as the process answers.
[[nodiscard]] std::unique_ptr<AdminRoute> health_route();

// GET /readyz: 200 "ready", or 503 with the sentence that `why_not` gives. `why_not` must
// be thread-safe and must not block.
[[nodiscard]] std::unique_ptr<AdminRoute> ready_route(
    std::function<std::optional<std::string>()> why_not);

// GET /metrics: `metrics` and the numbers of this process (process_numbers.h) in
// Prometheus text format 0.0.4. `metrics` must outlive the route. `before` is called before
// each look, so that what others count can be taken over; thread-safe, must not block.
[[nodiscard]] std::unique_ptr<AdminRoute> metrics_route(const Metrics& metrics,
                                                        std::function<void()> before = {});

}  // namespace davy::telemetry
