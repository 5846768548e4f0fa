// The stage `access.keys`: who calls, and may they use this model?
#pragma once

#include <memory>
#include <span>

#include "core/stage.h"
#include "pillars/access/keys/key_ring.h"

namespace davy::access {

// The experiment of callers without a key where keys are optional. If the configuration
// has an experiment of this name, its models and expiry hold for them; else they may use
// every model.
inline constexpr char kAnonymous[] = "anonymous";

// on_head takes the key from `Authorization: Bearer`, `x-api-key` or `api-key`; two
// that differ are malformed. on_request needs the model to be known. The messages never
// hold any part of a key's secret.
class KeysStage final : public Stage {
 public:
  // The ring must outlive the stage: it lives outside snapshots.
  KeysStage(const KeyRing& ring, bool required) : ring_(ring), required_(required) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "access.keys"; }
  [[nodiscard]] std::span<const RuleId> rules() const noexcept override;
  [[nodiscard]] std::chrono::nanoseconds cost(std::size_t) const noexcept override {
    return std::chrono::microseconds(2);
  }
  [[nodiscard]] std::unique_ptr<StageRun> begin(const ExchangeInfo& info) const override;

 private:
  const KeyRing& ring_;
  bool required_;
};

}  // namespace davy::access
