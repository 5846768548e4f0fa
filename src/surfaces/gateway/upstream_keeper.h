// Looks after upstreams while nobody asks: names are resolved again, health is checked,
// credentials in files are read again.
#pragma once

#include <map>
#include <memory>

#include "surfaces/gateway/shared.h"

namespace davy::gateway {

// What checks have said of one upstream. HAProxy's defaults: out after three failures in a
// row, in again after two that pass.
class HealthTally {
 public:
  static constexpr int kFall = 3;
  static constexpr int kRise = 2;

  // Whether it counts as well after one more check.
  [[nodiscard]] bool report(bool passed) noexcept {
    if (passed == well_) {
      against_ = 0;
    } else if (++against_ >= (well_ ? kFall : kRise)) {
      well_ = passed;
      against_ = 0;
    }
    return well_;
  }

 private:
  bool well_ = true;
  int against_ = 0;  // in a row, against well_
};

// Belongs to the loop of `state`, as does what it starts there.
class UpstreamKeeper {
 public:
  static constexpr std::chrono::seconds kEvery{1};
  // Credentials and certificates.
  static constexpr std::chrono::seconds kFilesEvery{5};
  // How long a check may take; less where it comes more often.
  static constexpr std::chrono::milliseconds kCheckTime{5'000};
  // At once; more upstreams than that wait for their turn.
  static constexpr int kMaxChecks = 64;

  explicit UpstreamKeeper(LoopState& state) : state_(state) {}

  // Never ends.
  [[nodiscard]] net::Task<void> run();

 private:
  struct Health {
    HealthTally tally;
    SteadyTime next{};
    bool running = false;
  };
  void look_after(const std::shared_ptr<const Published>& published);
  net::Task<void> check(std::shared_ptr<const Published> published, const Model& model,
                        const Upstream& upstream, net::UpstreamTarget& target, Health& health);
  // Why it is not well; "" = it is. `ours`: nobody can tell, since this process lacks what a
  // connection needs.
  [[nodiscard]] net::Task<std::string> ask(const Published& published, const Model& model,
                                           const Upstream& upstream, net::UpstreamTarget& target,
                                           bool& ours);

  LoopState& state_;
  std::map<const net::UpstreamTarget*, Health> health_;
  int checks_ = 0;
};

}  // namespace davy::gateway
