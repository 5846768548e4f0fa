// The command's side: an order goes to the server if one owns the home, else this
// process takes the lock and carries it out itself.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "core/orders.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/order_router.h"

namespace davy::store {

// How long a command waits for a server that is starting, stopping or busy.
inline constexpr std::chrono::milliseconds kDeskPatience{5000};
// How long an order may take in the server.
inline constexpr std::chrono::seconds kOrderPatience{60};

// The home is made if it is not there. Thread-safe.
class HomeOrderDesk final : public OrderDesk {
 public:
  // The handlers of one order without a server; called with the lock held.
  using MakeHandlers = std::function<OrderRouter::Handlers(const Home&)>;
  HomeOrderDesk(const Clock& clock, MakeHandlers make_handlers);

  [[nodiscard]] Result<std::string> order(const std::string& home, std::string_view verb,
                                          std::string_view arguments) override;

 private:
  const Clock& clock_;
  MakeHandlers make_handlers_;
};

// Whether a socket file is there, so that a server probably runs.
[[nodiscard]] bool server_may_run(const Home& home);

}  // namespace davy::store
