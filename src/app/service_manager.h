// The service manager that started us: what it waits to hear (sd_notify(3), over the socket
// that NOTIFY_SOCKET names; where nothing names one, nothing is said) and the sockets that it
// listens on for us (sd_listen_fds(3)).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"

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
  // Another process is the service from now on.
  void relieved_by(pid_t pid) const { tell("MAINPID=" + std::to_string(pid) + "\n"); }

 private:
  // Never waits; a manager that cannot be told is told in the log, once.
  void tell(std::string_view message) const;

  std::string address_;
  mutable bool complained_ = false;
};

// The descriptors that LISTEN_FDS counts, if LISTEN_PID says that they are for this process.
// Call it once, before anything else that could have closed them.
[[nodiscard]] Result<std::vector<Fd>> sockets_from_environment();
// The same of what the variables say; nullptr where one is not set.
[[nodiscard]] Result<std::vector<Fd>> sockets_from(const char* listen_pid, const char* listen_fds,
                                                   pid_t self);

}  // namespace davy::app
