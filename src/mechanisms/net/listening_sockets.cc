#include "mechanisms/net/listening_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/address.h"

namespace davy::net {
namespace {

constexpr int kBacklog = 4096;

// An address of any family, and how much of it counts.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] sockaddr* raw() noexcept {
    return static_cast<sockaddr*>(static_cast<void*>(&storage));
  }
  template <class T>
  [[nodiscard]] T& as() noexcept {
    return *static_cast<T*>(static_cast<void*>(&storage));
  }
};

Error cannot_listen(const Endpoint& endpoint, int number) {
  const std::string what =
      "cannot listen on " + endpoint.text() + ": " + std::string(strerrordesc_np(number));
  std::string hint = "check the address";
  if (endpoint.unix_socket()) {
    hint = "check that its folder is there and that davy may write it";
    if (number == EADDRINUSE) {
      hint = "another program listens there, perhaps another davy; stop it or choose another path";
    }
  } else if (number == EADDRINUSE) {
    hint = "another program has this port, perhaps another davy; stop it or choose another port";
  } else if (number == EACCES) {
    hint = "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one";
  }
  return unavailable(what, endpoint.place, std::move(hint));
}

Fd open_socket(int family) noexcept {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool switch_on(int fd, int level, int option) noexcept {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

SocketAddress internet_address(const Endpoint& endpoint, std::uint16_t port) {
  SocketAddress out;
  auto& v4 = out.as<sockaddr_in>();
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    out.size = sizeof v4;
    return out;
  }
  auto& v6 = out.as<sockaddr_in6>();
  v6 = {};
  if (::inet_pton(AF_INET6, endpoint.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    out.size = sizeof v6;
  }
  return out;
}

// Errors are the system's numbers; 0 = the socket listens.
int bind_one(Fd& fd, SocketAddress& address, bool share) noexcept {
  const int family = address.raw()->sa_family;
  fd = open_socket(family);
  const bool fine = fd.valid() && switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR) &&
                    (!share || switch_on(fd.get(), SOL_SOCKET, SO_REUSEPORT)) &&
                    (family != AF_INET6 || switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) &&
                    ::bind(fd.get(), address.raw(), address.size) == 0 &&
                    ::listen(fd.get(), kBacklog) == 0;
  return fine ? 0 : errno;
}

Result<SocketAddress> local_address(int fd) {
  SocketAddress out;
  out.size = sizeof out.storage;
  if (::getsockname(fd, out.raw(), &out.size) != 0) {
    return invalid_input("no socket: " + std::string(strerrordesc_np(errno)));
  }
  return out;
}

// As the endpoint that would make such a socket.
std::optional<Endpoint> endpoint_of(SocketAddress& address) {
  Endpoint out;
  switch (address.raw()->sa_family) {
    case AF_INET: {
      const auto& v4 = address.as<sockaddr_in>();
      out.host =
          Address::v4(static_cast<const unsigned char*>(static_cast<const void*>(&v4.sin_addr)))
              .text();
      out.port = ntohs(v4.sin_port);
      return out;
    }
    case AF_INET6: {
      const auto& v6 = address.as<sockaddr_in6>();
      std::array<char, INET6_ADDRSTRLEN> text{};
      if (::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size()) == nullptr) {
        return std::nullopt;
      }
      out.host = text.data();
      out.port = ntohs(v6.sin6_port);
      return out;
    }
    case AF_UNIX: {
      const auto& local = address.as<sockaddr_un>();
      out.path = local.sun_path;
      return out.path.empty() ? std::nullopt : std::optional(out);
    }
    default: return std::nullopt;
  }
}

Result<ListeningSockets> listen_on_port(const Endpoint& endpoint, std::size_t count) {
  ListeningSockets out{endpoint, {}};
  {
    Fd probe;
    SocketAddress address = internet_address(endpoint, endpoint.port);
    if (address.size == 0) return cannot_listen(endpoint, EADDRNOTAVAIL);
    if (const int number = bind_one(probe, address, false); number != 0) {
      return cannot_listen(endpoint, number);
    }
    DAVY_ASSIGN(SocketAddress bound, local_address(probe.get()));
    out.endpoint.port = endpoint_of(bound).value_or(endpoint).port;
  }
  for (std::size_t i = 0; i < count; ++i) {
    SocketAddress address = internet_address(endpoint, out.endpoint.port);
    Fd fd;
    if (const int number = bind_one(fd, address, true); number != 0) {
      return cannot_listen(endpoint, number);
    }
    out.sockets.push_back(std::move(fd));
  }
  return out;
}

// A Unix socket's place: its folder, open, and its name there.
struct UnixPlace {
  std::string path;  // absolute, its folder without links
  std::string name;
  Fd folder;
};

Result<UnixPlace> unix_place(const Endpoint& endpoint) {
  const std::string parent = parent_folder(endpoint.path);
  std::array<char, PATH_MAX> real{};
  if (::realpath(parent.c_str(), real.data()) == nullptr) return cannot_listen(endpoint, errno);
  UnixPlace out;
  out.name = endpoint.path.substr(endpoint.path.rfind('/') + 1);
  out.path = resolve(real.data(), out.name);
  if (out.path.size() >= sizeof(sockaddr_un::sun_path)) {
    return invalid_input("the path of " + endpoint.text() + " is longer than 107 bytes",
                         endpoint.place, "choose a shorter one, e.g. unix:/run/davy.sock");
  }
  DAVY_ASSIGN(const Folder folder, Folder::open(real.data()));
  out.folder = Fd(::fcntl(folder.fd(), F_DUPFD_CLOEXEC, 0));
  if (!out.folder.valid()) return cannot_listen(endpoint, errno);
  return out;
}

SocketAddress unix_address(const std::string& path) {
  SocketAddress out;
  auto& local = out.as<sockaddr_un>();
  local.sun_family = AF_UNIX;
  path.copy(local.sun_path, sizeof local.sun_path - 1);
  out.size = sizeof local;
  return out;
}

// Makes room at the place if what is there is a socket where nobody listens.
Result<void> remove_stale(const Endpoint& endpoint, const UnixPlace& place) {
  struct stat status {};
  if (::fstatat(place.folder.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return cannot_listen(endpoint, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return invalid_input("cannot listen on " + endpoint.text() +
                             ": something that is no socket "
                             "lies there",
                         endpoint.place, "move it away, or choose another path");
  }
  SocketAddress address = unix_address(place.path);
  const Fd probe = open_socket(AF_UNIX);
  if (!probe.valid()) return cannot_listen(endpoint, errno);
  if (::connect(probe.get(), address.raw(), address.size) == 0 || errno == EAGAIN) {
    return cannot_listen(endpoint, EADDRINUSE);
  }
  if (errno != ECONNREFUSED) return cannot_listen(endpoint, errno);
  if (::unlinkat(place.folder.get(), place.name.c_str(), 0) != 0 && errno != ENOENT) {
    return cannot_listen(endpoint, errno);
  }
  return {};
}

Result<ListeningSockets> listen_on_path(const Endpoint& endpoint) {
  DAVY_ASSIGN(const UnixPlace place, unix_place(endpoint));
  // So that of two that start together the second does not remove what the first has made.
  // Released with the folder's descriptor.
  while (::flock(place.folder.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return cannot_listen(endpoint, errno);
  }
  DAVY_TRY(remove_stale(endpoint, place));
  ListeningSockets out{endpoint, {}};
  out.endpoint.path = place.path;
  Fd fd = open_socket(AF_UNIX);
  SocketAddress address = unix_address(place.path);
  // Nobody can connect before it listens, so nobody does before the mode is set.
  if (!fd.valid() || ::bind(fd.get(), address.raw(), address.size) != 0 ||
      ::fchmodat(place.folder.get(), place.name.c_str(), endpoint.mode, 0) != 0 ||
      ::listen(fd.get(), kBacklog) != 0) {
    return cannot_listen(endpoint, errno);
  }
  out.sockets.push_back(std::move(fd));
  return out;
}

}  // namespace

Result<ListeningSockets> listen_on(const Endpoint& endpoint, std::size_t count) {
  return endpoint.unix_socket() ? listen_on_path(endpoint) : listen_on_port(endpoint, count);
}

void remove_path(const Endpoint& endpoint) {
  if (!endpoint.unix_socket()) return;
  const auto place = unix_place(endpoint);
  if (!place) return;
  while (::flock(place->folder.get(), LOCK_EX) != 0 && errno == EINTR) {
  }
  (void)remove_stale(endpoint, *place);
}

Result<void> InheritedSockets::add(Fd socket) {
  int type = 0;
  int listens = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 ||
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) {
    return invalid_input("a descriptor that was handed over is no socket");
  }
  DAVY_ASSIGN(SocketAddress address, local_address(socket.get()));
  const auto endpoint = endpoint_of(address);
  if (type != SOCK_STREAM || listens == 0 || !endpoint) {
    return invalid_input("a socket that was handed over does not listen for connections", {},
                         "systemd: ListenStream= with Accept=no");
  }
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return unavailable("a socket that was handed over cannot be used: " +
                       std::string(strerrordesc_np(errno)));
  }
  sockets_.push_back({endpoint->text(), std::move(socket)});
  return {};
}

std::vector<Fd> InheritedSockets::take(const Endpoint& endpoint) {
  Endpoint one_form = endpoint;
  if (endpoint.unix_socket()) {
    if (const auto place = unix_place(endpoint)) one_form.path = place->path;
  } else {
    SocketAddress address = internet_address(endpoint, endpoint.port);
    one_form = endpoint_of(address).value_or(endpoint);
  }
  const std::string wanted = one_form.text();
  std::vector<Fd> out;
  const auto taken = std::stable_partition(sockets_.begin(), sockets_.end(),
                                           [&](const Socket& s) { return s.address != wanted; });
  for (auto it = taken; it != sockets_.end(); ++it) out.push_back(std::move(it->fd));
  sockets_.erase(taken, sockets_.end());
  return out;
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> out;
  for (const Socket& socket : sockets_) out.push_back(socket.address);
  return out;
}

}  // namespace davy::net
