// Orders: how a command changes state, whether a server owns the home or nobody does.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/state_store.h"

namespace davy {

struct OrderRequest {
  std::string verb;       // "key.create"
  std::string arguments;  // one JSON object
  std::string actor;      // set by the receiving side from the peer's uid, never by the caller
};

// Carries out the orders of one folder. Called by the one writer of the home, one order
// at a time, never on an event loop. Gives one JSON object; it may hold a secret that is
// shown once, so nobody logs it.
class OrderHandler {
 public:
  virtual ~OrderHandler() = default;
  [[nodiscard]] virtual std::vector<std::string_view> verbs() const = 0;
  [[nodiscard]] virtual Result<std::string> carry_out(const OrderRequest& request,
                                                      StateStore& store, Now now) = 0;
};

// How a command reaches the writer of `home`: over home/davy.sock if a server runs, else
// by taking the lock itself for as long as the order takes.
class OrderDesk {
 public:
  virtual ~OrderDesk() = default;
  [[nodiscard]] virtual Result<std::string> order(const std::string& home, std::string_view verb,
                                                  std::string_view arguments) = 0;
};

}  // namespace davy
