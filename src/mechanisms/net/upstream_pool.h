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

  explicit UpstreamPool(Loop& loop) : loop_(loop) {}

  struct Lease {
    std::unique_ptr<Connection> connection;
    bool reused = false;
  };

  // An idle connection that is still good (if `may_reuse`), or a new one. Good: the other side
  // has neither ended it nor sent what nobody asked for, which would be taken for the
  // answer to the next request. `unavailable` names the upstream
  // and the cause. Plain TCP only: a URL with tls is refused here too.
  [[nodiscard]] Task<Result<Lease>> acquire(const UpstreamUrl& url,
                                            std::chrono::nanoseconds connect_timeout,
                                            bool may_reuse = true);
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
