#include "core/decision.h"

#include <cassert>
#include <iterator>
#include <utility>

namespace davy {

Decision Decision::allow(std::vector<Finding> findings) {
  return {Kind::allow, std::move(findings)};
}

Decision Decision::redact(std::vector<Finding> findings) {
  assert(!findings.empty());
  return {Kind::redact, std::move(findings)};
}

Decision Decision::deny(Finding reason, std::vector<Finding> others) {
  std::vector<Finding> findings;
  findings.reserve(1 + others.size());
  findings.push_back(std::move(reason));
  std::move(others.begin(), others.end(), std::back_inserter(findings));
  return {Kind::deny, std::move(findings)};
}

std::string_view name(Decision::Kind kind) noexcept {
  switch (kind) {
    case Decision::Kind::allow: return "allow";
    case Decision::Kind::redact: return "redact";
    case Decision::Kind::deny: return "deny";
  }
  return "deny";
}

}  // namespace davy
