#include "upstream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "wire.h"

namespace bench {
namespace {

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

// A connection. Descriptors come back, so a due piece knows the stream by its number.
struct Connection {
  std::string request;       // what came of it so far
  std::uint64_t stream = 0;  // 0 = none at the moment
  std::uint32_t next = 0;    // piece
};

struct Due {
  std::int64_t at = 0;
  int fd = -1;
  std::uint64_t stream = 0;
  bool operator>(const Due& other) const noexcept { return at > other.at; }
};

// The length of the whole request at the front of `data`, or 0 while it is not whole. Only
// what a gateway sends: a Content-Length, or no body.
std::size_t request_length(std::string_view data) {
  const std::size_t end = data.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  std::size_t body = 0;
  constexpr std::string_view kLength = "content-length:";
  for (std::size_t at = data.find("\r\n") + 2; at < end; at = data.find("\r\n", at) + 2) {
    std::string name(data.substr(at, kLength.size()));
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if (name == kLength) body = std::strtoul(data.data() + at + kLength.size(), nullptr, 10);
  }
  const std::size_t whole = end + 4 + body;
  return data.size() >= whole ? whole : 0;
}

class Server {
 public:
  explicit Server(const UpstreamOptions& options)
      : options_(options),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        listener_(listen_on(options.port)) {
    if (listener_ < 0) die("the upstream cannot listen");
    watch(listener_);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const timespec wait = until_due();
      const int count = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()),
                                     due_.empty() ? nullptr : &wait, nullptr);
      if (count < 0 && errno != EINTR) die("epoll_pwait2");
      for (int i = 0; i < count; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          take_in();
        } else {
          read(fd);
        }
        send_due();
      }
      send_due();
    }
  }

 private:
  void watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.fd = fd;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  }

  [[nodiscard]] timespec until_due() const {
    if (due_.empty()) return {};
    const std::int64_t wait = std::max<std::int64_t>(0, due_.top().at - now_ns());
    return {wait / 1'000'000'000, wait % 1'000'000'000};
  }

  void take_in() {
    for (int fd; (fd = accept_from(listener_)) >= 0;) {
      connections_[fd] = {};
      watch(fd);
    }
  }

  void drop(int fd) {
    connections_.erase(fd);
    close(fd);
  }

  void read(int fd) {
    std::array<char, 16384> part;
    const ssize_t got = recv(fd, part.data(), part.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return drop(fd);
    Connection& connection = connections_[fd];
    connection.request.append(part.data(), static_cast<std::size_t>(got));
    if (connection.stream == 0) begin(fd, connection);
  }

  void begin(int fd, Connection& connection) {
    const std::size_t length = request_length(connection.request);
    if (length == 0) return;
    connection.request.erase(0, length);
    connection.stream = ++streams_;
    connection.next = 0;
    if (!send_all(fd, kHead)) return drop(fd);
    // A place in the interval by the golden ratio: even, however many streams there will be.
    const double turns = static_cast<double>(streams_) * 0.6180339887498949;
    const double place = turns - static_cast<double>(static_cast<std::uint64_t>(turns));
    const std::int64_t now = now_ns();
    const std::int64_t begun = now - now % options_.every_ns + options_.every_ns;
    due_.push({begun + static_cast<std::int64_t>(place * static_cast<double>(options_.every_ns)),
               fd, connection.stream});
  }

  void send_due() {
    while (!due_.empty() && due_.top().at <= now_ns()) {
      Due due = due_.top();
      due_.pop();
      const auto found = connections_.find(due.fd);
      if (found == connections_.end() || found->second.stream != due.stream) continue;
      Connection& connection = found->second;
      out_.clear();
      if (connection.next == options_.pieces) {
        append_end(out_);
      } else {
        append_piece(out_, connection.next, now_ns());
      }
      if (!send_all(due.fd, out_)) {
        drop(due.fd);
      } else if (connection.next++ == options_.pieces) {
        connection.stream = 0;
        begin(due.fd, connection);  // what came in the meantime
      } else {
        due.at += options_.every_ns;
        due_.push(due);
      }
    }
  }

  [[nodiscard]] static bool send_all(int fd, std::string_view data) {
    return send(fd, data.data(), data.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(data.size());
  }

  UpstreamOptions options_;
  int epoll_;
  int listener_;
  std::unordered_map<int, Connection> connections_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::uint64_t streams_ = 0;
  std::string out_;
};

}  // namespace

void serve(const UpstreamOptions& options) { Server(options).run(); }

}  // namespace bench
