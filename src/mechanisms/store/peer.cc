#include "mechanisms/store/peer.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace davy::store {
namespace {

Error trouble(std::string_view doing, int number) {
  return unavailable(
      fmt::format("cannot {} home/{}: {}", doing, kSocketFile, strerrordesc_np(number)));
}

Error too_slow() { return unavailable("the other side did not answer in time", {}, "try again"); }

// Waits until `events` are there. False when the deadline passed.
Result<bool> ready(int fd, short events, SteadyTime deadline, const Clock& clock) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.now().steady);
    if (left.count() <= 0) return false;
    pollfd entry{fd, events, 0};
    const int count =
        ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000)));
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return trouble("wait for", errno);
  }
}

}  // namespace

Result<sockaddr_un> socket_address(const Home& home) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = home.file(kSocketFile);
  if (path.size() >= sizeof address.sun_path) {
    path = fmt::format("/proc/self/fd/{}/{}", home.folder().fd(), kSocketFile);
  }
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

Connected connect_to(const Home& home) {
  auto address = socket_address(home);
  if (!address) return {Fd(), ENAMETOOLONG};
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return {Fd(), errno};
  const sockaddr* const generic = static_cast<const sockaddr*>(static_cast<void*>(&*address));
  if (::connect(fd.get(), generic, sizeof *address) != 0) return {Fd(), errno};
  return {std::move(fd), 0};
}

Result<std::string> receive_line(int fd, std::size_t limit, std::chrono::milliseconds patience,
                                 const Clock& clock) {
  const SteadyTime deadline = clock.now().steady + patience;
  std::string line;
  std::array<char, 16 * 1024> block;
  for (;;) {
    DAVY_ASSIGN(const bool in_time, ready(fd, POLLIN, deadline, clock));
    if (!in_time) return too_slow();
    const ssize_t got = ::recv(fd, block.data(), block.size(), 0);
    if (got < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return trouble("read from", errno);
    }
    if (got == 0) return unavailable("the other side hung up before its line was whole");
    const std::string_view piece(block.data(), static_cast<std::size_t>(got));
    const std::size_t end = piece.find('\n');
    line.append(piece.substr(0, end));
    if (line.size() >= limit) {
      return limit_reached(fmt::format("a line has at most {} bytes", limit));
    }
    if (end != std::string_view::npos) return line;
  }
}

Result<void> send_all(int fd, std::string_view data, std::chrono::milliseconds patience,
                      const Clock& clock) {
  const SteadyTime deadline = clock.now().steady + patience;
  while (!data.empty()) {
    const ssize_t done = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done >= 0) {
      data.remove_prefix(static_cast<std::size_t>(done));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return trouble("write to", errno);
    DAVY_ASSIGN(const bool in_time, ready(fd, POLLOUT, deadline, clock));
    if (!in_time) return too_slow();
  }
  return {};
}

}  // namespace davy::store
