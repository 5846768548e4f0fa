// Signals: named numbers that stages put on an exchange for others to judge by
// (sizes, scores): `guardrails.injection.score`, `request.segments`.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace davy {

// Belongs to one exchange; not thread-safe. Names are literals: they are not copied.
class Signals {
 public:
  void set(std::string_view name, double value);
  [[nodiscard]] std::optional<double> get(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string_view, double>>& all() const noexcept {
    return values_;
  }

 private:
  std::vector<std::pair<std::string_view, double>> values_;
};

}  // namespace davy
