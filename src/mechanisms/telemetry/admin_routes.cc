#include "mechanisms/telemetry/admin_routes.h"

#include <utility>

#include "mechanisms/telemetry/process_numbers.h"

namespace davy::telemetry {
namespace {

AdminResponse text(int status, std::string body) {
  AdminResponse response;
  response.status = status;
  response.body = std::move(body) + "\n";
  response.fields.emplace_back("cache-control", "no-store");
  return response;
}

class Health final : public AdminRoute {
 public:
  [[nodiscard]] std::string_view method() const noexcept override { return "GET"; }
  [[nodiscard]] std::string_view path() const noexcept override { return "/healthz"; }
  [[nodiscard]] AdminResponse handle(const AdminRequest&) override { return text(200, "ok"); }
};

class Ready final : public AdminRoute {
 public:
  explicit Ready(std::function<std::optional<std::string>()> why_not)
      : why_not_(std::move(why_not)) {}
  [[nodiscard]] std::string_view method() const noexcept override { return "GET"; }
  [[nodiscard]] std::string_view path() const noexcept override { return "/readyz"; }
  [[nodiscard]] AdminResponse handle(const AdminRequest&) override {
    auto reason = why_not_();
    return reason ? text(503, "not ready: " + *reason) : text(200, "ready");
  }

 private:
  std::function<std::optional<std::string>()> why_not_;
};

class MetricsPage final : public AdminRoute {
 public:
  MetricsPage(const Metrics& metrics, std::function<void()> before)
      : metrics_(metrics), before_(std::move(before)) {}
  [[nodiscard]] std::string_view method() const noexcept override { return "GET"; }
  [[nodiscard]] std::string_view path() const noexcept override { return "/metrics"; }
  [[nodiscard]] AdminResponse handle(const AdminRequest&) override {
    if (before_) before_();
    AdminResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics_.prometheus_text();
    if (const auto numbers = read_process_numbers()) {
      response.body += prometheus_text(*numbers);
    } else {
      response.body += "# process metrics are missing: " + numbers.error().text() + "\n";
    }
    return response;
  }

 private:
  const Metrics& metrics_;
  std::function<void()> before_;
};

}  // namespace

std::unique_ptr<AdminRoute> health_route() { return std::make_unique<Health>(); }

std::unique_ptr<AdminRoute> ready_route(std::function<std::optional<std::string>()> why_not) {
  return std::make_unique<Ready>(std::move(why_not));
}

std::unique_ptr<AdminRoute> metrics_route(const Metrics& metrics, std::function<void()> before) {
  return std::make_unique<MetricsPage>(metrics, std::move(before));
}

}  // namespace davy::telemetry
