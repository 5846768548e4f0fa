// A WebSocket: bytes pass in both directions, and no rule reads them.
#pragma once

#include <cstdint>

#include "mechanisms/net/latch.h"
#include "surfaces/gateway/exchange.h"

namespace davy::gateway {

// Uses the exchange's upstream connection, whose answer head (101) was parsed. Only where
// the model's rules let unexamined bytes pass: see Exchange::find_model. A caller who is
// revoked, or a model that is quarantined, ends it with the next piece.
class Tunnel {
 public:
  explicit Tunnel(Exchange& exchange);

  // Until both sides have ended, or neither has sent anything for a while. False: it did
  // not come about (refusal_ of the exchange is set), or a side is gone.
  [[nodiscard]] net::Task<bool> run();

 private:
  [[nodiscard]] net::Task<bool> open();
  net::Task<void> to_upstream();
  net::Task<void> forward(net::Connection& from, net::Connection& to, std::uint64_t& bytes);

  Exchange& x_;
  net::Connection& client_;
  net::Connection& upstream_;
  net::Latch upward_done_;
};

}  // namespace davy::gateway
