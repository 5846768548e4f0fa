#include "app/service_manager.h"

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
