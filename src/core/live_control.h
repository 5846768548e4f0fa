// The Control of one process: tables under a lock, with an atomic count in front, so
// that a gateway with nothing contained pays one load.
//
// Addresses are compared as addresses: the order may write them in any valid form, and
// an IPv4 address mapped into IPv6 is the IPv4 address.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <shared_mutex>
#include <string>

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
  template <class Value>
  using Table = std::map<std::string, Value, std::less<>>;
  [[nodiscard]] Result<void> contain(Containment::Kind kind, const Subject& subject,
                                     std::string_view reason);
  [[nodiscard]] const Containment* find(SubjectKind kind, std::string_view id) const;
  void count();

  std::atomic<std::size_t> contained_count_{0};
  std::atomic<std::size_t> weight_count_{0};
  std::atomic<std::size_t> limit_count_{0};
  mutable std::shared_mutex mutex_;
  // By SubjectKind, then id.
  std::array<Table<Containment>, 4> contained_;
  std::array<Table<double>, 4> limits_;
  Table<std::map<std::size_t, double>> weights_;  // by model, then upstream
};

}  // namespace davy
