// Decisions: what policy says of an exchange. Made only by the named constructors, and
// always with the findings that led to them. An error is not a decision: functions that
// can fail return Result<Decision>.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/finding.h"

namespace davy {

class [[nodiscard]] Decision {
 public:
  enum class Kind : std::uint8_t { allow, redact, deny };

  // `findings` may hold what rules in observe mode saw.
  static Decision allow(std::vector<Finding> findings = {});
  // At least one finding led to an edit.
  static Decision redact(std::vector<Finding> findings);
  // `reason` is the finding that decides; `others` is what else was found.
  static Decision deny(Finding reason, std::vector<Finding> others = {});

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool allowed() const noexcept { return kind_ != Kind::deny; }
  // The deciding finding first, if there is one.
  [[nodiscard]] const std::vector<Finding>& findings() const noexcept { return findings_; }
  // Only for a denial: the finding that decided.
  [[nodiscard]] const Finding& reason() const { return findings_.front(); }

 private:
  Decision(Kind kind, std::vector<Finding> findings)
      : kind_(kind), findings_(std::move(findings)) {}
  Kind kind_;
  std::vector<Finding> findings_;
};

[[nodiscard]] std::string_view name(Decision::Kind kind) noexcept;

}  // namespace davy
