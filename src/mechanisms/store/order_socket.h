// The server's side of home/davy.sock: other commands hand in their orders here.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "base/clock.h"
#include "mechanisms/store/home.h"
#include "mechanisms/store/order_router.h"

namespace davy::store {

// One thread, one connection at a time, one order a connection. A peer whose uid is
// neither ours nor root's is told so and hung up on.
class OrderSocket {
 public:
  // All must outlive the socket. A socket file that a dead server left is replaced:
  // holding the lock proves that it is dead.
  [[nodiscard]] static Result<std::unique_ptr<OrderSocket>> start(const Home& home,
                                                                  const HomeLock& lock,
                                                                  OrderRouter& router,
                                                                  const Clock& clock);
  // Ends the thread (the order in work is finished) and removes the file.
  ~OrderSocket();

 private:
  OrderSocket(const Home& home, OrderRouter& router, const Clock& clock, Fd listener, Fd wake);
  void run();
  void serve(int peer);

  const Home& home_;
  OrderRouter& router_;
  const Clock& clock_;
  Fd listener_;
  Fd wake_;  // an eventfd: readable = stop
  std::thread thread_;
};

}  // namespace davy::store
