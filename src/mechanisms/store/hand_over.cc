#include "mechanisms/store/hand_over.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "mechanisms/store/order_lines.h"
#include "mechanisms/store/peer.h"

namespace davy::store {
namespace {

constexpr std::int64_t kProtocol = 1;
constexpr std::string_view kServing = "serving\n";
// In one message; the kernel takes at most 253 (SCM_MAX_FD).
constexpr std::size_t kInOneMessage = 64;
// Far more than any host has cores times listeners.
constexpr std::size_t kMostDescriptors = 16 * 1024;
constexpr std::size_t kMostAnswer = 64 * 1024 + kMostDescriptors;
// The old one may have another order, or another take-over, to end first.
constexpr std::chrono::seconds kAnswerPatience{30};

// Room for the control data of one message.
struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kInOneMessage)> bytes{};
};

int left_millis(SteadyTime deadline, const Clock& clock) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.now().steady);
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000));
}

// The descriptors ride on a blank before the answer, which JSON allows.
Result<void> send_some(int peer, std::span<const int> descriptors, const Clock& clock) {
  const SteadyTime deadline = clock.now().steady + kPeerPatience;
  char blank = ' ';
  iovec part{&blank, 1};
  Control control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size_bytes());
  for (;;) {
    if (::sendmsg(peer, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1) return {};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      return unavailable(fmt::format("cannot hand over sockets: {}", strerrordesc_np(errno)));
    }
    pollfd wanted{peer, POLLOUT, 0};
    if (::poll(&wanted, 1, left_millis(deadline, clock)) == 0) {
      return unavailable("the other side does not take the sockets");
    }
  }
}

Result<void> send_all_descriptors(int peer, std::span<const int> descriptors, const Clock& clock) {
  while (!descriptors.empty()) {
    const std::size_t count = std::min(kInOneMessage, descriptors.size());
    DAVY_TRY(send_some(peer, descriptors.first(count), clock));
    descriptors = descriptors.subspan(count);
  }
  return {};
}

// One line and the descriptors that came with it.
struct Answer {
  std::string line;
  std::vector<Fd> descriptors;
};

void take_descriptors(msghdr& message, std::vector<Fd>& out) {
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
      out.emplace_back(fd);
    }
  }
}

Result<Answer> receive_answer(int peer, const Clock& clock) {
  const SteadyTime deadline = clock.now().steady + kAnswerPatience;
  Answer answer;
  std::array<char, 4096> block;
  for (;;) {
    pollfd wanted{peer, POLLIN, 0};
    if (::poll(&wanted, 1, left_millis(deadline, clock)) == 0) {
      return unavailable("the davy that runs did not answer in time", {}, "try again");
    }
    iovec part{block.data(), block.size()};
    Control control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes.data();
    message.msg_controllen = control.bytes.size();
    const ssize_t got = ::recvmsg(peer, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return unavailable("the davy that runs hung up before it had handed over");
    take_descriptors(message, answer.descriptors);
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
      return unavailable("there are not enough descriptors to take over", {}, "raise ulimit -n");
    }
    answer.line.append(block.data(), static_cast<std::size_t>(got));
    if (answer.line.ends_with('\n')) return answer;
    if (answer.line.size() > kMostAnswer || answer.descriptors.size() > kMostDescriptors) {
      return invalid_input("the davy that runs hands over what nobody can take");
    }
  }
}

Result<void> check_protocol(std::string_view arguments) {
  boost::json::error_code code;
  const boost::json::value value = boost::json::parse(arguments, code);
  const auto* object = code ? nullptr : value.if_object();
  const auto* protocol = object == nullptr ? nullptr : object->if_contains("protocol");
  const auto* number = protocol == nullptr ? nullptr : protocol->if_int64();
  if (number != nullptr && *number == kProtocol) return {};
  return invalid_input(fmt::format("it hands over by protocol {} alone", kProtocol), {},
                       "stop it, then start the new one without --take-over");
}

enum class Waited : std::uint8_t { serving, gone, late, woken };

Waited await_serving(int peer, int wake, const Clock& clock) {
  const SteadyTime deadline = clock.now().steady + kTakeOverPatience;
  std::string said;
  for (;;) {
    std::array<pollfd, 2> wanted{{{peer, POLLIN, 0}, {wake, POLLIN, 0}}};
    const int ready = ::poll(wanted.data(), wanted.size(), left_millis(deadline, clock));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Waited::late;
    if (wanted[0].revents == 0) return Waited::woken;
    std::array<char, 64> block;
    const ssize_t got = ::recv(peer, block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return Waited::gone;
    said.append(block.data(), static_cast<std::size_t>(got));
    if (said == kServing) return Waited::serving;
    if (!kServing.starts_with(said)) return Waited::gone;
  }
}

// Sends the sockets and waits; an error is told to the other one, if it is there still.
Result<void> try_to_hand_over(int peer, std::string_view arguments, int lock, int orders,
                              const HandOverDesk& desk, int wake, const Clock& clock) {
  if (!desk.sockets) return invalid_input("it does not hand over");
  DAVY_TRY(check_protocol(arguments));
  DAVY_ASSIGN(const std::vector<Fd> sockets, desk.sockets());
  std::vector<int> descriptors{lock, orders};
  for (const Fd& socket : sockets) descriptors.push_back(socket.get());
  const std::string ok = answer_line(std::string("{}"));
  DAVY_TRY(send_all_descriptors(peer, descriptors, clock));
  DAVY_TRY(send_all(peer, ok, kPeerPatience, clock));
  log::info("another davy asks to take over");
  switch (await_serving(peer, wake, clock)) {
    // One that ends by itself has nothing against it.
    case Waited::serving:
    case Waited::woken: return send_all(peer, ok, kPeerPatience, clock);
    case Waited::gone: return unavailable("it ended before it could serve");
    case Waited::late: break;
  }
  return unavailable(fmt::format("it did not serve within {} seconds", kTakeOverPatience.count()));
}

}  // namespace

Result<HandedOver> ask_to_take_over(const Home& home, const Clock& clock) {
  Connected connected = connect_to(home);
  if (connected.error == ENOENT || connected.error == ECONNREFUSED) {
    return unavailable("no davy serves with this home, so there is none to take over from",
                       {home.path()}, "start without --take-over");
  }
  if (!connected.fd.valid()) {
    return unavailable(
        fmt::format("cannot reach the davy that runs: {}", strerrordesc_np(connected.error)),
        {home.file(kSocketFile)}, "run this as the user that runs it");
  }
  DAVY_ASSIGN(const std::string order,
              order_line(kTakeOverVerb, fmt::format(R"({{"protocol":{}}})", kProtocol)));
  DAVY_TRY(send_all(connected.fd.get(), order, kPeerPatience, clock));
  DAVY_ASSIGN(Answer answer, receive_answer(connected.fd.get(), clock));
  answer.line.pop_back();
  if (const auto agreed = parse_answer_line(answer.line); !agreed) {
    Error error = agreed.error();
    error.message = "the davy that runs does not hand over: " + error.message;
    if (error.hint.empty()) error.hint = "stop it, then start this one without --take-over";
    return error;
  }
  if (answer.descriptors.size() < 2) {
    return internal_error("the davy that runs handed over neither lock nor socket");
  }
  HandedOver out;
  out.peer = std::move(connected.fd);
  out.lock = std::move(answer.descriptors[0]);
  out.orders = std::move(answer.descriptors[1]);
  answer.descriptors.erase(answer.descriptors.begin(), answer.descriptors.begin() + 2);
  out.sockets = std::move(answer.descriptors);
  return out;
}

Result<void> confirm_take_over(int peer, const Clock& clock) {
  // Also where nothing can be sent any more: why may have been said before.
  (void)send_all(peer, kServing, kPeerPatience, clock);
  const auto line = receive_line(peer, kMaxOrderLine, kAnswerPatience, clock);
  if (!line) {
    log::warning("the davy that handed over did not say so; this one serves",
                 {{"why", line.error().message}});
    return {};
  }
  if (const auto let_go = parse_answer_line(*line); !let_go) {
    Error error = let_go.error();
    error.message = "the davy that runs goes on: " + error.message;
    return error;
  }
  return {};
}

bool hand_over(int peer, std::string_view arguments, int lock, int orders, const HandOverDesk& desk,
               int wake, const Clock& clock) {
  const auto done = try_to_hand_over(peer, arguments, lock, orders, desk, wake, clock);
  if (done) return true;
  log::warning("nobody has taken over; this davy goes on", {{"why", done.error().message}});
  (void)send_all(peer, answer_line(done.error()), kPeerPatience, clock);
  return false;
}

}  // namespace davy::store
