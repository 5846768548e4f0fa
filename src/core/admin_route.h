// Routes of the admin listener: metrics, REST, console.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace davy {

struct AdminRequest {
  std::string_view method;
  std::string_view path;   // without query
  std::string_view query;  // without '?'
  std::string_view body;   // at most 1 MiB
  Now now;
};

struct AdminResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // further header fields
};

// Thread-safe; must not block.
class AdminRoute {
 public:
  virtual ~AdminRoute() = default;
  [[nodiscard]] virtual std::string_view method() const noexcept = 0;  // "GET"
  [[nodiscard]] virtual std::string_view path() const noexcept = 0;    // exact, "/healthz"
  [[nodiscard]] virtual AdminResponse handle(const AdminRequest& request) = 0;
};

}  // namespace davy
