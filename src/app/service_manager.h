// What the service manager that started us waits to hear: sd_notify(3), over the socket
// that NOTIFY_SOCKET names. Where nothing names one, nothing is said.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace davy::app {

class ServiceManager {
 public:
  // `address` is a path, "@name" in the abstract namespace, or empty.
  explicit ServiceManager(std::string address) : address_(std::move(address)) {}
  [[nodiscard]] static ServiceManager from_environment();

  // We serve; also after a reload, whether or not it changed something.
  void ready() const { tell("READY=1\n"); }
  // We read the configuration again. `now` is the clock that systemd orders such messages by.
  void reloading(Now now) const;
  void stopping() const { tell("STOPPING=1\n"); }

 private:
  // Never waits; a manager that cannot be told is told in the log, once.
  void tell(std::string_view message) const;

  std::string address_;
  mutable bool complained_ = false;
};

}  // namespace davy::app
