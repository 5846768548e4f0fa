#include "mechanisms/store/home_order_desk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "mechanisms/store/order_lines.h"
#include "mechanisms/store/peer.h"
#include "mechanisms/store/sqlite_state_store.h"

namespace davy::store {
namespace {

constexpr std::chrono::milliseconds kRetry{20};

// The server's answer; nothing if no server listens.
std::optional<Result<std::string>> over_socket(const Home& home, const std::string& line,
                                               const Clock& clock) {
  const Connected peer = connect_to(home);
  if (!peer.fd.valid()) {
    // Not there, nobody listens, or the queue is full: the caller looks again.
    if (peer.error == ENOENT || peer.error == ECONNREFUSED || peer.error == EAGAIN) {
      return std::nullopt;
    }
    return unavailable(fmt::format("cannot reach the server: {}", strerrordesc_np(peer.error)),
                       {home.file(kSocketFile)}, "run this as the user that runs davy serve");
  }
  // From here on the order may have been carried out, so it is not tried again.
  if (auto sent = send_all(peer.fd.get(), line, kPeerPatience, clock); !sent) {
    return std::move(sent).error();
  }
  auto answer = receive_line(peer.fd.get(), 2 * kMaxOrderLine, kOrderPatience, clock);
  if (!answer) return std::move(answer).error();
  return parse_answer_line(*answer);
}

}  // namespace

HomeOrderDesk::HomeOrderDesk(const Clock& clock, MakeHandlers make_handlers)
    : clock_(clock), make_handlers_(std::move(make_handlers)) {}

Result<std::string> HomeOrderDesk::order(const std::string& home_path, std::string_view verb,
                                         std::string_view arguments) {
  DAVY_ASSIGN(const Home home, Home::open_or_create(home_path));
  DAVY_ASSIGN(const std::string line, order_line(verb, arguments));
  std::chrono::milliseconds waited{0};
  for (;;) {
    if (auto answered = over_socket(home, line, clock_)) return std::move(*answered);
    if (auto lock = HomeLock::take(home)) {
      DAVY_ASSIGN(const auto store, SqliteStateStore::open(home, *lock));
      OrderRouter router(*store, clock_, make_handlers_(home));
      return router.carry_out(
          {std::string(verb), std::string(arguments), fmt::format("cli uid {}", getuid())});
    } else if (lock.error().kind != ErrorKind::unavailable || waited >= kDeskPatience) {
      return std::move(lock).error();
    }
    // A server that starts or stops, or another command at work.
    std::this_thread::sleep_for(kRetry);
    waited += kRetry;
  }
}

bool server_may_run(const Home& home) {
  struct stat status {};
  return fstatat(home.folder().fd(), kSocketFile, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISSOCK(status.st_mode);
}

}  // namespace davy::store
