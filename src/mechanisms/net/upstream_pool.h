// Keep-alive connections to upstreams, one pool a loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/loop.h"
#include "mechanisms/net/upstream_target.h"

namespace davy::net {

// Belongs to one loop.
class UpstreamPool {
 public:
  static constexpr std::size_t kMaxIdle = 256;  // per upstream and loop
  static constexpr std::chrono::seconds kIdleTime{30};

  // `names` must outlive it.
  UpstreamPool(Loop& loop, Resolver& names) : loop_(loop), names_(names) {}

  // An idle connection that is still good, or null. Good: as far as the loop was told, the
  // other side has neither ended it nor sent what nobody asked for, which would be taken
  // for the answer to the next request; and the upstream's addresses are still the same.
  [[nodiscard]] std::unique_ptr<Connection> take_idle(UpstreamTarget& target, SteadyTime now);
  // A new one, through the upstream's proxy and in TLS where it wants that. `timeout` is
  // for all of it. `unavailable` names the upstream and the cause.
  [[nodiscard]] Task<Result<std::unique_ptr<Connection>>> connect(UpstreamTarget& target,
                                                                  std::chrono::nanoseconds timeout);
  // After an exchange that left the connection clean; the bytes of the answer were all read.
  void put_back(UpstreamTarget& target, std::unique_ptr<Connection> connection, SteadyTime now);

  // Counts a connection as in use while it lives; for metrics only.
  class InUse {
   public:
    InUse() = default;
    explicit InUse(std::int64_t& count) : count_(&count) { ++count; }
    InUse(InUse&& other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    InUse& operator=(InUse&& other) noexcept {
      if (count_ != nullptr) --*count_;
      count_ = std::exchange(other.count_, nullptr);
      return *this;
    }
    ~InUse() {
      if (count_ != nullptr) --*count_;
    }

   private:
    std::int64_t* count_ = nullptr;
  };
  [[nodiscard]] InUse in_use(UpstreamTarget& target) { return InUse(slot(target).active); }

  // Ends what has been idle for too long and tells the metrics how many there are. Call it
  // every second or so.
  void sweep(SteadyTime now) noexcept;

  [[nodiscard]] std::size_t idle() const noexcept;
  // Ends all that is idle. Before the loop goes.
  void clear() noexcept;

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    SteadyTime since;
  };
  struct Slot {
    explicit Slot(UpstreamTarget& t) : target(t) {}
    UpstreamTarget& target;
    std::vector<Idle> idle;  // the one used last at the end
    std::int64_t active = 0;
    std::int64_t told_idle = 0;  // as the metrics have it
    std::int64_t told_active = 0;
  };
  [[nodiscard]] Slot& slot(UpstreamTarget& target);
  [[nodiscard]] Task<Result<std::unique_ptr<Connection>>> open(UpstreamTarget& target,
                                                               std::chrono::nanoseconds timeout);

  Loop& loop_;
  Resolver& names_;
  std::vector<std::unique_ptr<Slot>> slots_;  // by UpstreamTarget::slot
};

}  // namespace davy::net
