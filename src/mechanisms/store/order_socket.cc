#include "mechanisms/store/order_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "mechanisms/store/order_lines.h"
#include "mechanisms/store/peer.h"

namespace davy::store {
namespace {

constexpr int kBacklog = 16;

Error cannot(std::string_view doing, const Home& home, int number) {
  return unavailable(fmt::format("cannot {} the socket: {}", doing, strerrordesc_np(number)),
                     {home.file(kSocketFile)});
}

// Takes away what a dead server left, and only that.
Result<void> remove_stale(const Home& home) {
  struct stat status {};
  if (fstatat(home.folder().fd(), kSocketFile, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return cannot("examine", home, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return invalid_input("is no socket", {home.file(kSocketFile)}, "move it away");
  }
  if (unlinkat(home.folder().fd(), kSocketFile, 0) != 0) return cannot("replace", home, errno);
  return {};
}

}  // namespace

Result<std::unique_ptr<OrderSocket>> OrderSocket::start(const Home& home, const HomeLock& lock,
                                                        OrderRouter& router, const Clock& clock,
                                                        HandOverDesk desk) {
  DAVY_TRY(remove_stale(home));
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.valid()) return cannot("open", home, errno);
  DAVY_ASSIGN(sockaddr_un address, socket_address(home));
  const sockaddr* const generic = static_cast<const sockaddr*>(static_cast<void*>(&address));
  // The folder is 0700, so nobody connects before the mode is set.
  if (::bind(listener.get(), generic, sizeof address) != 0) return cannot("bind", home, errno);
  if (fchmodat(home.folder().fd(), kSocketFile, S_IRUSR | S_IWUSR, 0) != 0) {
    return cannot("set the mode of", home, errno);
  }
  if (::listen(listener.get(), kBacklog) != 0) return cannot("listen on", home, errno);
  DAVY_ASSIGN(auto out, adopt(home, lock, router, clock, std::move(desk), std::move(listener)));
  out->begin();
  return out;
}

Result<std::unique_ptr<OrderSocket>> OrderSocket::adopt(const Home& home, const HomeLock& lock,
                                                        OrderRouter& router, const Clock& clock,
                                                        HandOverDesk desk, Fd listener) {
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return cannot("open", home, errno);
  return std::unique_ptr<OrderSocket>(new OrderSocket(home, lock, router, clock, std::move(desk),
                                                      std::move(listener), std::move(wake)));
}

OrderSocket::OrderSocket(const Home& home, const HomeLock& lock, OrderRouter& router,
                         const Clock& clock, HandOverDesk desk, Fd listener, Fd wake)
    : home_(home),
      lock_(lock.fd()),
      router_(router),
      clock_(clock),
      desk_(std::move(desk)),
      listener_(std::move(listener)),
      wake_(std::move(wake)) {}

void OrderSocket::begin() {
  ours_ = true;
  thread_ = std::thread([this] { run(); });
}

OrderSocket::~OrderSocket() {
  const std::uint64_t one = 1;
  while (::write(wake_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  if (thread_.joinable()) thread_.join();
  if (ours_) unlinkat(home_.folder().fd(), kSocketFile, 0);
}

void OrderSocket::run() {
  for (;;) {
    std::array<pollfd, 2> wanted{{{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(wanted.data(), wanted.size(), -1) < 0) {
      if (errno == EINTR) continue;
      log::error("orders can no longer be received", {{"why", strerrordesc_np(errno)}});
      return;
    }
    if (wanted[1].revents != 0) return;
    const Fd peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (peer.valid()) {
      if (!serve(peer.get())) return;
    } else if (errno == EMFILE || errno == ENFILE) {
      // The connection stays in the queue, so poll would return at once for ever.
      log::error("no file descriptor left for an order", {{"hint", "raise ulimit -n"}});
      pollfd only_wake{wake_.get(), POLLIN, 0};
      if (::poll(&only_wake, 1, 1000) > 0) return;
    }
  }
}

bool OrderSocket::serve(int peer) {
  ucred who{};
  socklen_t size = sizeof who;
  const auto answer = [&](const Result<std::string>& result) {
    if (auto sent = send_all(peer, answer_line(result), kPeerPatience, clock_); !sent) {
      log::warning("an order's answer was not taken", {{"why", sent.error().message}});
    }
    return true;
  };
  if (::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0 ||
      (who.uid != geteuid() && who.uid != 0)) {
    log::warning("an order of another user was refused", {{"uid", who.uid}});
    return answer(invalid_input("only the owner of the home and root may give orders"));
  }
  auto line = receive_line(peer, kMaxOrderLine, kPeerPatience, clock_);
  if (!line) return answer(std::move(line).error());
  auto order = parse_order_line(*line);
  if (!order) return answer(std::move(order).error());
  if (order->verb == kTakeOverVerb) {
    if (!hand_over(peer, order->arguments, lock_, listener_.get(), desk_, wake_.get(), clock_)) {
      return true;
    }
    ours_ = false;
    listener_ = Fd();
    if (desk_.relieved) desk_.relieved(who.pid);
    return false;
  }
  return answer(router_.carry_out(
      {std::move(order->verb), std::move(order->arguments), fmt::format("cli uid {}", who.uid)}));
}

}  // namespace davy::store
