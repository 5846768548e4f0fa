// The Control of one process: tables under a lock, with an atomic count in front, so
// that a gateway with nothing contained pays one load.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <utility>

#include "core/control.h"

namespace davy {

class LiveControl final : public Control {
 public:
  [[nodiscard]] Result<void> revoke(std::string_view key_id, std::string_view reason) override;
  [[nodiscard]] Result<void> block(const Subject& subject, std::string_view reason) override;
  [[nodiscard]] Result<void> quarantine(std::string_view model, std::string_view reason) override;
  [[nodiscard]] Result<void> release(const Subject& subject) override;
  [[nodiscard]] Result<void> weight(std::string_view model, std::size_t upstream,
                                    double share) override;
  [[nodiscard]] Result<void> limit(const Subject& subject, double per_second) override;
  [[nodiscard]] std::optional<Containment> standing(const Principal& principal,
                                                    std::string_view model) const override;
  [[nodiscard]] std::optional<double> weight_of(std::string_view model,
                                                std::size_t upstream) const override;
  [[nodiscard]] std::optional<double> limit_of(const Subject& subject) const override;

 private:
  using Key = std::pair<SubjectKind, std::string>;
  [[nodiscard]] Result<void> contain(Containment::Kind kind, const Subject& subject,
                                     std::string_view reason);

  std::atomic<std::size_t> contained_count_{0};
  mutable std::shared_mutex mutex_;
  std::map<Key, Containment> contained_;
  std::map<std::pair<std::string, std::size_t>, double> weights_;
  std::map<Key, double> limits_;
};

}  // namespace davy
