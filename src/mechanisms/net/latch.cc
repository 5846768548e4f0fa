#include "mechanisms/net/latch.h"

namespace davy::net {

void Latch::open() {
  open_ = true;
  timer_.cancel();
}

Task<void> Latch::wait() {
  while (!open_) {
    boost::system::error_code cancelled;
    co_await timer_.async_wait(asio::redirect_error(kAwait, cancelled));
  }
}

}  // namespace davy::net
