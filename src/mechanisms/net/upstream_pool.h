// Keep-alive connections to upstreams, one pool a loop.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
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

  // An idle connection that is still good, or null. Good: as far as the loop was told, the
  // other side has neither ended it nor sent what nobody asked for, which would be taken
  // for the answer to the next request.
  [[nodiscard]] std::unique_ptr<Connection> take_idle(const UpstreamUrl& url, SteadyTime now);
  // A new one. `unavailable` names the upstream and the cause. With tls in the URL, its
  // certificate is checked against its host and the system's authorities.
  [[nodiscard]] Task<Result<std::unique_ptr<Connection>>> connect(
      const UpstreamUrl& url, std::chrono::nanoseconds connect_timeout);
  // After an exchange that left the connection clean; the bytes of the answer were all read.
  void put_back(const UpstreamUrl& url, std::unique_ptr<Connection> connection, SteadyTime now);

  [[nodiscard]] std::size_t idle() const noexcept;
  void clear() noexcept { upstreams_.clear(); }

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    SteadyTime since;
  };
  struct Upstream {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    std::vector<Idle> idle;
  };
  [[nodiscard]] std::vector<Idle>& idle_for(const UpstreamUrl& url);

  Loop& loop_;
  std::vector<Upstream> upstreams_;  // a few: looking through them beats hashing
};

}  // namespace davy::net
