#include "wire.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace bench {
namespace {

constexpr std::string_view kBefore =
    R"(data: {"id":"s","object":"chat.completion.chunk","created":1764000000,"model":"chat",)"
    R"("choices":[{"index":0,"delta":{"content":")";
constexpr std::string_view kAfter = "\"},\"finish_reason\":null}]}\n\n";
constexpr std::string_view kText = "\"content\":\"";
constexpr std::string_view kLast = "data: [DONE]";
constexpr std::string_view kEnd =
    "data: {\"id\":\"s\",\"object\":\"chat.completion.chunk\",\"created\":1764000000,"
    "\"model\":\"chat\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

void append_chunk(std::string& out, std::string_view data) {
  char size[24];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  out.append(size, static_cast<std::size_t>(length));
  out.append(data);
  out.append("\r\n");
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

}  // namespace

std::int64_t now_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void append_piece(std::string& out, std::uint32_t number, std::int64_t sent_ns) {
  std::string event(kBefore);
  event += std::to_string(number) + '@' + std::to_string(sent_ns);
  event += kAfter;
  append_chunk(out, event);
}

void append_end(std::string& out) {
  append_chunk(out, kEnd);
  out += "0\r\n\r\n";
}

std::optional<Piece> read_piece(std::string_view event) noexcept {
  const std::size_t at = event.find(kText);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const end = event.data() + event.size();
  Piece piece;
  const auto number = std::from_chars(event.data() + at + kText.size(), end, piece.number);
  if (number.ec != std::errc{} || number.ptr == end || *number.ptr != '@') return std::nullopt;
  const auto sent = std::from_chars(number.ptr + 1, end, piece.sent_ns);
  if (sent.ec != std::errc{} || sent.ptr == end || *sent.ptr != '"') return std::nullopt;
  return piece;
}

bool is_last_event(std::string_view event) noexcept {
  return event.substr(0, kLast.size()) == kLast;
}

void Unchunker::feed(std::string_view bytes, std::string& out) {
  while (!bytes.empty() && !done_ && !failed_) {
    if (left_ > 0) {
      const std::size_t take =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      out.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      left_ -= take;
      after_chunk_ = left_ == 0;
      continue;
    }
    const char c = bytes.front();
    bytes.remove_prefix(1);
    if (c == '\n') {
      end_of_line();
    } else if (c != '\r') {
      line_ += c;
      failed_ = line_.size() > 16;
    }
  }
}

void Unchunker::end_of_line() {
  if (after_chunk_) {
    failed_ = !line_.empty();
    after_chunk_ = false;
  } else if (last_) {
    failed_ = !line_.empty();
    done_ = true;
  } else {
    const auto got = std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
    failed_ = line_.empty() || got.ec != std::errc{} || got.ptr != line_.data() + line_.size();
    last_ = left_ == 0;
  }
  line_.clear();
}

void set_no_delay(int fd) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int listen_on(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 4096) != 0) {
    return -1;
  }
  return fd;
}

int accept_from(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) set_no_delay(fd);
  return fd;
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  set_no_delay(fd);
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    close(fd);
    return -1;
  }
  return fd;
}

void die(const char* what) {
  std::fprintf(stderr, "streams: %s: %s\n", what, std::strerror(errno));
  std::exit(2);
}

}  // namespace bench
