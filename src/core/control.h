// Control: what can be done at once to a running gateway, and the live look at it.
//
// Orders outlive reloads, since they are not part of a snapshot. The look-up is cheap
// enough for every chunk of every stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/principal.h"

namespace davy {

enum class SubjectKind : std::uint8_t { key, experiment, address, model };
[[nodiscard]] std::string_view name(SubjectKind kind) noexcept;

struct Subject {
  SubjectKind kind = SubjectKind::key;
  std::string id;
  bool operator==(const Subject&) const = default;
};

// Why somebody or something stands outside.
struct Containment {
  enum class Kind : std::uint8_t { revoked, blocked, quarantined };
  Kind kind = Kind::blocked;
  Subject subject;
  std::string reason;  // for the operator; not shown to the caller
};
[[nodiscard]] std::string_view name(Containment::Kind kind) noexcept;

// Thread-safe. An order is in force when the call returns.
class Control {
 public:
  virtual ~Control() = default;

  // For ever: `release` does not bring a revoked key back.
  [[nodiscard]] virtual Result<void> revoke(std::string_view key_id, std::string_view reason) = 0;
  [[nodiscard]] virtual Result<void> block(const Subject& subject, std::string_view reason) = 0;
  [[nodiscard]] virtual Result<void> quarantine(std::string_view model,
                                                std::string_view reason) = 0;
  // Ends a block or a quarantine; invalid_input if there is none.
  [[nodiscard]] virtual Result<void> release(const Subject& subject) = 0;
  // Share of a model's traffic for one of its upstreams, by position; in [0, 1].
  [[nodiscard]] virtual Result<void> weight(std::string_view model, std::size_t upstream,
                                            double share) = 0;
  // Requests a second that a subject may have at most, until released; 0 = none at all.
  [[nodiscard]] virtual Result<void> limit(const Subject& subject, double per_second) = 0;

  // What stands against this caller using this model ("" = none known yet), if anything.
  [[nodiscard]] virtual std::optional<Containment> standing(const Principal& principal,
                                                            std::string_view model) const = 0;
  [[nodiscard]] virtual std::optional<double> weight_of(std::string_view model,
                                                        std::size_t upstream) const = 0;
  [[nodiscard]] virtual std::optional<double> limit_of(const Subject& subject) const = 0;
};

}  // namespace davy
