#include "client.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "wire.h"

namespace bench {
namespace {

constexpr std::uint32_t kOpening = 64;

struct Stream {
  int fd = -1;
  bool asked = false;     // the request was sent
  bool answered = false;  // the head of the answer was read
  bool ended = false;     // the last event was read
  std::string head;
  Unchunker unchunker;
  std::string events;      // payload without its whole events
  std::uint32_t next = 0;  // piece
};

class Reader {
 public:
  explicit Reader(const ClientOptions& options)
      : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)), streams_(options.streams) {
    const std::string body =
        R"({"model":"chat","stream":true,"messages":[{"role":"user","content":"Talk."}]})";
    request_ =
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(options.port) +
        "\r\nContent-Type: application/json\r\n";
    if (!options.key.empty()) request_ += "Authorization: Bearer " + options.key + "\r\n";
    request_ += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    result_.delays_ns.reserve(std::size_t{options.streams} * options.pieces);
  }

  ClientResult run() {
    const std::int64_t end = now_ns() + options_.limit_ns;
    std::array<epoll_event, 256> events{};
    while (finished_ < options_.streams && now_ns() < end) {
      open_more();
      const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
      if (count < 0 && errno != EINTR) die("epoll_wait");
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        turn(streams_[event.data.u32], event.events);
      }
    }
    for (Stream& stream : streams_) {
      if (stream.fd >= 0) finish(stream, "was not at its end in time");
    }
    result_.lost += std::uint64_t{options_.streams - opened_} * options_.pieces;
    result_.broken += options_.streams - opened_;
    return std::move(result_);
  }

 private:
  void open_more() {
    while (opened_ < options_.streams && opening_ < kOpening) {
      Stream& stream = streams_[opened_];
      stream.fd = connect_to(options_.port);
      if (stream.fd < 0) die("cannot connect");
      epoll_event event{};
      event.events = EPOLLIN | EPOLLOUT;
      event.data.u32 = opened_;
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, stream.fd, &event) != 0) die("epoll_ctl");
      ++opened_;
      ++opening_;
    }
  }

  void turn(Stream& stream, std::uint32_t events) {
    if (stream.fd < 0) return;
    if (!stream.asked && (events & EPOLLOUT) != 0) {
      const ssize_t sent = send(stream.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
      if (sent != static_cast<ssize_t>(request_.size())) {
        return finish(stream, std::strerror(errno));
      }
      stream.asked = true;
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u32 = static_cast<std::uint32_t>(&stream - streams_.data());
      if (epoll_ctl(epoll_, EPOLL_CTL_MOD, stream.fd, &event) != 0) die("epoll_ctl");
      return;
    }
    std::array<char, 65536> part;
    const ssize_t got = recv(stream.fd, part.data(), part.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return finish(stream, std::strerror(errno));
    if (got == 0) return finish(stream, "was cut");
    take(stream, {part.data(), static_cast<std::size_t>(got)}, now_ns());
  }

  void take(Stream& stream, std::string_view bytes, std::int64_t now) {
    if (!stream.answered) {
      stream.head += bytes;
      const std::size_t end = stream.head.find("\r\n\r\n");
      if (end == std::string::npos) return;
      if (stream.head.compare(0, 13, "HTTP/1.1 200 ") != 0) {
        return finish(stream, stream.head.substr(0, 300));
      }
      stream.answered = true;
      --opening_;
      const std::string rest = stream.head.substr(end + 4);
      stream.unchunker.feed(rest, stream.events);
    } else {
      stream.unchunker.feed(bytes, stream.events);
    }
    read_events(stream, now);
    if (stream.unchunker.failed()) return finish(stream, "is not chunked as HTTP says");
    if (stream.unchunker.done()) finish(stream, stream.ended ? "" : "has no last event");
  }

  void read_events(Stream& stream, std::int64_t now) {
    std::size_t begin = 0;
    for (std::size_t end; (end = stream.events.find("\n\n", begin)) != std::string::npos;
         begin = end + 2) {
      const std::string_view event = std::string_view(stream.events).substr(begin, end - begin);
      if (is_last_event(event)) stream.ended = true;
      const auto piece = read_piece(event);
      if (!piece || piece->number != stream.next) continue;  // a gap: the rest counts as lost
      ++stream.next;
      ++result_.pieces;
      if (piece->number >= options_.skip) result_.delays_ns.push_back(now - piece->sent_ns);
    }
    stream.events.erase(0, begin);
  }

  // `why` is empty when all is well.
  void finish(Stream& stream, std::string_view why) {
    if (!stream.answered) --opening_;
    if (!why.empty()) {
      ++result_.broken;
      if (result_.complaint.empty()) result_.complaint = std::string("a stream ") += why;
    }
    result_.lost += options_.pieces - stream.next;
    close(stream.fd);
    stream.fd = -1;
    ++finished_;
  }

  const ClientOptions& options_;
  int epoll_;
  std::vector<Stream> streams_;
  std::string request_;
  std::uint32_t opened_ = 0;
  std::uint32_t opening_ = 0;  // without an answer so far
  std::uint32_t finished_ = 0;
  ClientResult result_;
};

}  // namespace

ClientResult read_streams(const ClientOptions& options) { return Reader(options).run(); }

}  // namespace bench
