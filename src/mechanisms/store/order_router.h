// Takes each order to the handler of its verb, one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/orders.h"

namespace davy::store {

// Thread-safe: orders from the socket and from the server itself queue at a mutex.
class OrderRouter {
 public:
  using Handlers = std::vector<std::unique_ptr<OrderHandler>>;
  // `on_order` is told the store's last sequence after each order that changed the
  // store, while the order is still being answered: the new snapshot is out before the
  // command returns, if the callback publishes it. It must not call the router.
  OrderRouter(StateStore& store, const Clock& clock, Handlers handlers,
              std::function<void(std::uint64_t)> on_order = {});

  // An unknown verb is invalid_input with the nearest one.
  [[nodiscard]] Result<std::string> carry_out(const OrderRequest& request);

 private:
  StateStore& store_;
  const Clock& clock_;
  Handlers handlers_;
  std::map<std::string, OrderHandler*, std::less<>> by_verb_;
  std::function<void(std::uint64_t)> on_order_;
  std::mutex mutex_;
};

}  // namespace davy::store
