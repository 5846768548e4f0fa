// Which dialect serves a path.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/dialect.h"

namespace davy::gateway {

struct RouteMatch {
  const dialects::Dialect* dialect = nullptr;  // null: no route
  const dialects::Route* route = nullptr;      // null with a dialect: the path, not the method
};

// Immutable, thread-safe.
class Routes {
 public:
  explicit Routes(std::span<const dialects::Dialect* const> dialects);

  [[nodiscard]] RouteMatch find(std::string_view method, std::string_view path) const noexcept;
  // Of errors on paths that no dialect serves.
  [[nodiscard]] const dialects::Dialect& fallback() const noexcept { return *dialects_.front(); }
  [[nodiscard]] std::size_t dialect_count() const noexcept { return dialects_.size(); }
  [[nodiscard]] std::size_t index_of(const dialects::Dialect& dialect) const noexcept;

 private:
  std::vector<const dialects::Dialect*> dialects_;
};

}  // namespace davy::gateway
