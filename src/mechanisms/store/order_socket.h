// The server's side of home/davy.sock: other commands hand in their orders here.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "mechanisms/store/hand_over.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/order_router.h"

namespace davy::store {

// One thread, one connection at a time, one order a connection. A peer whose uid is
// neither ours nor root's is told so and hung up on. The order server.take_over hands the
// home over, if `desk` can (hand_over.h).
class OrderSocket {
 public:
  // All must outlive the socket. A socket file that a dead server left is replaced:
  // holding the lock proves that it is dead.
  [[nodiscard]] static Result<std::unique_ptr<OrderSocket>> start(const Home& home,
                                                                  const HomeLock& lock,
                                                                  OrderRouter& router,
                                                                  const Clock& clock,
                                                                  HandOverDesk desk = {});
  // `listener` is what another server handed over. Until `begin` it takes no orders and the
  // socket is the other one's; `begin` cannot fail.
  [[nodiscard]] static Result<std::unique_ptr<OrderSocket>> adopt(const Home& home,
                                                                  const HomeLock& lock,
                                                                  OrderRouter& router,
                                                                  const Clock& clock,
                                                                  HandOverDesk desk, Fd listener);
  void begin();

  // Ends the thread (the order in work is finished) and removes the file, unless it is
  // another server's.
  ~OrderSocket();

 private:
  OrderSocket(const Home& home, const HomeLock& lock, OrderRouter& router, const Clock& clock,
              HandOverDesk desk, Fd listener, Fd wake);
  void run();
  // False: this server was relieved.
  [[nodiscard]] bool serve(int peer);

  const Home& home_;
  const int lock_;
  OrderRouter& router_;
  const Clock& clock_;
  const HandOverDesk desk_;
  Fd listener_;
  Fd wake_;            // an eventfd: readable = stop
  bool ours_ = false;  // the file; the thread's while that runs
  std::thread thread_;
};

}  // namespace davy::store
