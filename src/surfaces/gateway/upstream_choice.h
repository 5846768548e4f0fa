// Which upstream of a model is asked, and which is next when that one fails.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/snapshot.h"
#include "mechanisms/net/loop.h"
#include "mechanisms/net/upstream_target.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {

// The upstreams of one model, in the order of the configuration.
struct UpstreamSet {
  std::vector<net::UpstreamTarget*> targets;
};

// A snapshot with what its models need at run time. Targets outlive it.
struct Published {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<UpstreamSet> upstreams;  // by position in settings.models
  const Limits* limits = nullptr;      // of the snapshot's configuration

  [[nodiscard]] static std::shared_ptr<const Published> make(
      std::shared_ptr<const Snapshot> snapshot, net::UpstreamDirectory& directory);
  // `model` must be one of the snapshot's.
  [[nodiscard]] const UpstreamSet& of(const Model& model) const noexcept {
    return upstreams[static_cast<std::size_t>(&model - snapshot->settings.models.data())];
  }
};

// Belongs to one exchange. Each upstream is chosen once at most. What came of a choice is
// reported before the next is made; one that is not was given up.
class UpstreamChoice {
 public:
  UpstreamChoice() = default;
  ~UpstreamChoice() { give_up(); }
  UpstreamChoice(const UpstreamChoice&) = delete;
  UpstreamChoice& operator=(const UpstreamChoice&) = delete;

  // Both must outlive it.
  void begin(const Model& model, const UpstreamSet& set) noexcept {
    model_ = &model;
    set_ = &set;
  }
  // Chooses the next one that takes requests: by weight where the model shares, else the
  // first that is left. False: none. `chance` is any number, the same ones equally often.
  [[nodiscard]] bool next(SteadyTime now, std::uint32_t chance);
  // Whether next() would find one.
  [[nodiscard]] bool another(SteadyTime now) const noexcept;
  // The shortest time until one of them may be tried again.
  [[nodiscard]] std::chrono::nanoseconds wait(SteadyTime now) const noexcept;

  // The one that was chosen last.
  [[nodiscard]] const Upstream& upstream() const noexcept { return model_->upstreams[at_]; }
  [[nodiscard]] net::UpstreamTarget& target() const noexcept { return *set_->targets[at_]; }

  void connected(Now now) noexcept { target().connected(permit_, now); }
  void succeeded(const net::Loop& loop) noexcept;
  void failed(net::CircuitBreaker::Failure failure, std::string_view why, Now now);
  // Nothing is known: the caller left.
  void give_up() noexcept;

 private:
  static constexpr std::size_t kNone = Model::kMaxUpstreams;
  // Of those not tried yet and, where the model shares, with a weight.
  [[nodiscard]] std::size_t pick(std::uint32_t chance) const noexcept;
  [[nodiscard]] bool left(std::size_t at) const noexcept {
    return (tried_ >> at & 1u) == 0 && (!model_->shares || model_->upstreams[at].weight != 0);
  }

  const Model* model_ = nullptr;
  const UpstreamSet* set_ = nullptr;
  std::uint32_t tried_ = 0;  // a bit each
  std::size_t at_ = kNone;
  net::UpstreamTarget::Permit permit_ = net::UpstreamTarget::Permit::denied;  // or reported
};

}  // namespace davy::gateway
