#include "app/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/files.h"
#include "base/log.h"
#include "base/strings.h"

namespace davy::app {

ServiceManager ServiceManager::from_environment() {
  const char* const address = secure_getenv("NOTIFY_SOCKET");
  return ServiceManager(address != nullptr ? address : "");
}

void ServiceManager::reloading(Now now) const {
  const auto since_boot =
      std::chrono::duration_cast<std::chrono::microseconds>(now.steady.time_since_epoch());
  tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(since_boot.count()) + "\n");
}

Result<std::vector<Fd>> sockets_from_environment() {
  return sockets_from(secure_getenv("LISTEN_PID"), secure_getenv("LISTEN_FDS"), ::getpid());
}

Result<std::vector<Fd>> sockets_from(const char* listen_pid, const char* listen_fds, pid_t self) {
  constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
  constexpr std::uint64_t kMost = 1024;
  std::vector<Fd> out;
  if (listen_pid == nullptr || listen_fds == nullptr) return out;
  const auto pid = to_number(listen_pid);
  const auto count = to_number(listen_fds);
  if (!pid || !count || *count > kMost) {
    return invalid_input("LISTEN_PID and LISTEN_FDS are not what a service manager sets");
  }
  if (*pid != static_cast<std::uint64_t>(self)) return out;
  for (int fd = kFirst; fd < kFirst + static_cast<int>(*count); ++fd) {
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
      return invalid_input("LISTEN_FDS counts descriptors that are not open");
    }
    out.emplace_back(fd);
  }
  return out;
}

void ServiceManager::tell(std::string_view message) const {
  if (address_.empty()) return;
  const auto failed = [&](int number) {
    if (complained_) return;
    complained_ = true;
    log::warning("the service manager cannot be told how we are",
                 {{"socket", address_}, {"why", strerrordesc_np(number)}});
  };
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (address_.size() >= sizeof to.sun_path) return failed(ENAMETOOLONG);
  std::copy(address_.begin(), address_.end(), to.sun_path);
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return failed(errno);
  const void* const raw = &to;
  if (::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
               static_cast<const sockaddr*>(raw), size) < 0) {
    failed(errno);
  }
}

}  // namespace davy::app
