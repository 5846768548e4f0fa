#include "mechanisms/net/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/files.h"
#include "base/strings.h"

namespace davy::net {
namespace {

constexpr std::size_t kMaxAnswer = 64 * 1024;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> address_of(const Endpoint& endpoint) {
  Address out;
  void* const raw = &out.storage;
  if (in_addr four{}; inet_pton(AF_INET, endpoint.host.c_str(), &four) == 1) {
    if (four.s_addr == htonl(INADDR_ANY)) four.s_addr = htonl(INADDR_LOOPBACK);
    auto* const to = static_cast<sockaddr_in*>(raw);
    to->sin_family = AF_INET;
    to->sin_port = htons(endpoint.port);
    to->sin_addr = four;
    out.size = sizeof *to;
    return out;
  }
  if (in6_addr six{}; inet_pton(AF_INET6, endpoint.host.c_str(), &six) == 1) {
    if (IN6_IS_ADDR_UNSPECIFIED(&six)) six = in6addr_loopback;
    auto* const to = static_cast<sockaddr_in6*>(raw);
    to->sin6_family = AF_INET6;
    to->sin6_port = htons(endpoint.port);
    to->sin6_addr = six;
    out.size = sizeof *to;
    return out;
  }
  return std::nullopt;
}

class Talk {
 public:
  Talk(const Endpoint& endpoint, SteadyTime deadline, const Clock& clock)
      : where_("http://" + endpoint.text()), deadline_(deadline), clock_(clock) {}

  [[nodiscard]] Error failed(int number) const {
    return unavailable("does not answer: " + std::string(strerrordesc_np(number)), {where_});
  }

  Result<void> connect(const Address& to) {
    fd_ = Fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_.valid()) return failed(errno);
    const void* const raw = &to.storage;
    if (::connect(fd_.get(), static_cast<const sockaddr*>(raw), to.size) == 0) return {};
    if (errno != EINPROGRESS) return failed(errno);
    DAVY_TRY(wait(POLLOUT));
    int number = 0;
    socklen_t size = sizeof number;
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
    if (number != 0) return failed(number);
    return {};
  }

  Result<void> send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        text.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        DAVY_TRY(wait(POLLOUT));
      } else if (errno != EINTR) {
        return failed(errno);
      }
    }
    return {};
  }

  // What comes until the other side ends it.
  Result<std::string> receive() {
    std::string out;
    char part[4096];
    while (out.size() < kMaxAnswer) {
      const ssize_t got = ::recv(fd_.get(), part, sizeof part, 0);
      if (got == 0) return out;
      if (got > 0) {
        out.append(part, static_cast<std::size_t>(got));
      } else if (errno == EAGAIN) {
        DAVY_TRY(wait(POLLIN));
      } else if (errno != EINTR) {
        return failed(errno);
      }
    }
    return unavailable("answers with more than 64 KiB", {where_});
  }

  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  Result<void> wait(short what) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - clock_.steady());
      if (left.count() <= 0) return failed(ETIMEDOUT);
      pollfd one{fd_.get(), what, 0};
      const int ready = poll(&one, 1, static_cast<int>(left.count()));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return failed(errno);
    }
  }

  std::string where_;
  SteadyTime deadline_;
  const Clock& clock_;
  Fd fd_;
};

}  // namespace

Result<ProbeAnswer> probe(const Endpoint& endpoint, std::string_view path,
                          std::chrono::milliseconds patience, const Clock& clock) {
  Talk talk(endpoint, clock.steady() + patience, clock);
  const auto to = address_of(endpoint);
  if (!to) return invalid_input("is no address that can be asked", {talk.where()});
  DAVY_TRY(talk.connect(*to));
  DAVY_TRY(talk.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: " + endpoint.text() +
                     "\r\nConnection: close\r\n\r\n"));
  DAVY_ASSIGN(const std::string answer, talk.receive());
  constexpr std::string_view kBegin = "HTTP/1.1 ";
  const auto head_end = answer.find("\r\n\r\n");
  const auto status = answer.starts_with(kBegin)
                          ? to_number(std::string_view(answer).substr(kBegin.size(), 3))
                          : std::nullopt;
  if (!status || head_end == std::string::npos) {
    return unavailable("answers, but not as davy would", {talk.where()},
                       "another program may have taken this port");
  }
  return ProbeAnswer{static_cast<int>(*status), answer.substr(head_end + 4)};
}

}  // namespace davy::net
