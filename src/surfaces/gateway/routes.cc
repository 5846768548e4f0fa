#include "surfaces/gateway/routes.h"

namespace davy::gateway {

Routes::Routes(std::span<const dialects::Dialect* const> dialects)
    : dialects_(dialects.begin(), dialects.end()) {}

RouteMatch Routes::find(std::string_view method, std::string_view path) const noexcept {
  RouteMatch match;
  for (const dialects::Dialect* dialect : dialects_) {
    for (const dialects::Route& route : dialect->routes()) {
      if (route.reading != dialects::Reading::documents || route.path != path) continue;
      match.dialect = dialect;
      if (route.method == method) {
        match.route = &route;
        return match;
      }
    }
  }
  return match;
}

std::size_t Routes::index_of(const dialects::Dialect& dialect) const noexcept {
  for (std::size_t i = 0; i < dialects_.size(); ++i) {
    if (dialects_[i] == &dialect) return i;
  }
  return 0;
}

}  // namespace davy::gateway
