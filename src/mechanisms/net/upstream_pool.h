// Keep-alive connections to upstreams, one pool a loop.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/model.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/loop.h"

namespace davy::net {

// Belongs to one loop.
class UpstreamPool {
 public:
  static constexpr std::size_t kMaxIdle = 256;  // per upstream and loop
  static constexpr std::chrono::seconds kIdleTime{30};
  // A connection that was in use so lately is not asked whether the other side has ended it:
  // a server that closes after an answer says so in that answer. It saves a system call.
  static constexpr std::chrono::milliseconds kSurelyAlive{20};

  explicit UpstreamPool(Loop& loop) : loop_(loop) {}

  struct Lease {
    std::unique_ptr<Connection> connection;
    bool reused = false;
  };

  // An idle connection that is still good, or a new one. `unavailable` names the upstream
  // and the cause. Plain TCP only: a URL with tls is refused here too.
  [[nodiscard]] Task<Result<Lease>> acquire(const UpstreamUrl& url,
                                            std::chrono::nanoseconds connect_timeout);
  // After an exchange that left the connection clean; the bytes of the answer were all read.
  void put_back(const UpstreamUrl& url, std::unique_ptr<Connection> connection);

  [[nodiscard]] std::size_t idle() const noexcept;
  void clear() noexcept { idle_.clear(); }

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    SteadyTime since;
  };
  [[nodiscard]] std::vector<Idle>& idle_for(const UpstreamUrl& url);

  Loop& loop_;
  std::unordered_map<std::string, std::vector<Idle>> idle_;
  std::string key_;  // reused
};

}  // namespace davy::net
