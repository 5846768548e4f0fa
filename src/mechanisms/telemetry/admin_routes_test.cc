#include "mechanisms/telemetry/admin_routes.h"

#include <gtest/gtest.h>

#include "mechanisms/telemetry/metrics_registry.h"

namespace davy::telemetry {
namespace {

AdminResponse get(AdminRoute& route) { return route.handle({"GET", route.path(), "", "", Now{}}); }

TEST(AdminRoutes, HealthIsOkWhileTheProcessAnswers) {
  const auto route = health_route();
  EXPECT_EQ(route->method(), "GET");
  EXPECT_EQ(route->path(), "/healthz");
  EXPECT_EQ(get(*route).status, 200);
}

TEST(AdminRoutes, ReadinessSaysWhyNot) {
  std::optional<std::string> reason = "the configuration is being read";
  const auto route = ready_route([&reason] { return reason; });
  EXPECT_EQ(route->path(), "/readyz");
  const AdminResponse not_yet = get(*route);
  EXPECT_EQ(not_yet.status, 503);
  EXPECT_EQ(not_yet.body, "not ready: the configuration is being read\n");
  reason.reset();
  EXPECT_EQ(get(*route).status, 200);
}

TEST(AdminRoutes, MetricsShowOursAndTheProcess) {
  MetricsRegistry metrics;
  metrics.add(metrics.series({"a_total", "Help.", MetricKind::counter, {}}, {}), 4);
  const auto route = metrics_route(metrics);
  EXPECT_EQ(route->path(), "/metrics");
  const AdminResponse page = get(*route);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(page.body.find("\na_total 4\n"), std::string::npos) << page.body;
  EXPECT_NE(page.body.find("\nprocess_resident_memory_bytes "), std::string::npos) << page.body;
}

}  // namespace
}  // namespace davy::telemetry
