#include "mechanisms/net/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "base/secret.h"
#include "mechanisms/net/tls_session.h"

namespace davy::net {
namespace {

Fd release(Socket socket) {
  boost::system::error_code ignored;
  return Fd(socket.release(ignored));
}

bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Connection::Connection(Socket socket, Loop& loop) : Connection(release(std::move(socket)), loop) {}

Connection::Connection(Fd socket, Loop& loop)
    : loop_(loop), fd_(std::move(socket)), timer_(loop.timers(), &Connection::fire, this) {
  // Not for a Unix socket, which delays nothing.
  const int on = 1;
  (void)::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (loop_.poller().add(*this)) return;
  static log::Sampled trouble(3, 10);
  trouble.write(log::Level::warning, "the kernel watches no more connections; one was ended", {},
                static_cast<std::int64_t>(unix_seconds(loop_.now().wall)));
  abort();
  readable_ = true;  // the first read sees the end
}

Connection::~Connection() {
  if (in_round_) loop_.forget(*this);
  clear_outbox();
  loop_.poller().remove(*this);
}

Address Connection::peer() const {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const auto raw = static_cast<sockaddr*>(static_cast<void*>(&peer));
  if (::getpeername(fd_.get(), raw, &size) != 0) return {};
  const auto bytes = static_cast<const unsigned char*>(static_cast<const void*>(&peer));
  switch (peer.ss_family) {
    case AF_INET: return Address::v4(bytes + offsetof(sockaddr_in, sin_addr));
    case AF_INET6: return Address::v6(bytes + offsetof(sockaddr_in6, sin6_addr));
    case AF_UNIX: return Address::local();
    default: return {};
  }
}

void Connection::consume(std::size_t bytes) noexcept {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Connection::grow(std::size_t capacity) {
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (end_ != begin_) std::memcpy(larger.get(), buffer_.get() + begin_, end_ - begin_);
  buffer_ = std::move(larger);
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

void Connection::reserve(std::size_t bytes) {
  if (capacity_ - begin_ >= bytes) return;
  if (capacity_ >= bytes) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    return;
  }
  grow(bytes);
}

void Connection::shrink() {
  if (begin_ == end_ && capacity_ > kInitialBuffer) {
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
  }
}

void Connection::make_room() {
  if (end_ != capacity_) return;
  if (begin_ > capacity_ / 2) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  } else {
    grow(capacity_ == 0 ? kInitialBuffer : 2 * capacity_);
  }
}

std::optional<Connection::Waiter> Connection::take(std::optional<Waiter>& place) {
  std::optional<Waiter> taken;
  if (place) taken.emplace(std::move(*place));
  place.reset();
  return taken;
}

void Connection::tell(std::uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) broken_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0) ending_ = true;
  const bool readable = ending_ || (events & EPOLLIN) != 0;
  const bool writable = (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
  readable_ |= readable;
  if (told_ != nullptr && readable && !reader_) told_(told_context_);
  std::optional<Waiter> reader = readable ? take(reader_) : std::nullopt;
  std::optional<Waiter> writer = writable ? take(writer_) : std::nullopt;
  if (writable && !writer && !in_round_ && !outbox_.empty()) (void)flush();
  // Whoever is resumed may end this connection: it is not touched after this.
  if (reader) std::move (*reader)();
  if (writer) std::move (*writer)();
}

void Connection::abandon() noexcept {
  reader_.reset();
  writer_.reset();
}

Task<void> Connection::wait(std::optional<Waiter>& place) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [&place](Waiter waiter) { place.emplace(std::move(waiter)); }, kAwait);
}

ssize_t Connection::receive(char* data, std::size_t room) noexcept {
  if (!readable_) return kNothingNow;
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), data, room, MSG_DONTWAIT);
    if (got > 0) {
      // Less than there was room for: nothing is left, and the next bytes are told of
      // (epoll(7)). Not so the end, which may have been told of with these bytes, and not
      // so behind an urgent byte, where a read stops short.
      if (static_cast<std::size_t>(got) < room && !ending_) readable_ = false;
      return got;
    }
    if (got == 0) {
      ending_ = true;
      return 0;
    }
    if (errno == EINTR) continue;
    if (!would_block(errno)) return kReadError;
    readable_ = false;
    return kNothingNow;
  }
}

std::optional<Io> Connection::read_now() {
  if (tls_) return open_now();
  if (!readable_) return std::nullopt;
  make_room();
  const ssize_t got = receive(buffer_.get() + end_, capacity_ - end_);
  if (got == kNothingNow) return std::nullopt;
  if (got <= 0) return classify(got == 0 ? 0 : errno);
  end_ += static_cast<std::size_t>(got);
  return Io::ok;
}

Task<Io> Connection::read_more() {
  // A peer that sends faster than we read would keep the loop for itself.
  if (readable_ && last_read_ == loop_.poller().rounds()) {
    co_await asio::post(loop_.executor(), kAwait);
  }
  for (;;) {
    if (const auto io = read_now()) {
      last_read_ = loop_.poller().rounds();
      co_return *io;
    }
    co_await wait(reader_);
  }
}

std::string& Connection::outbox(bool secret) {
  if (outbox_.empty()) begun_ = false;
  secret_output_ |= secret;
  if (outbox_.capacity() < kSmallOutput / 16) outbox_ = loop_.output_buffer();
  return outbox_;
}

void Connection::send_soon() {
  if (!output_counted_) loop_.count_output(1);
  output_counted_ = true;
  if (in_round_) return;
  in_round_ = true;
  loop_.send_after_round(*this);
}

void Connection::clear_outbox() noexcept {
  if (std::exchange(secret_output_, false)) wipe(outbox_.data(), outbox_.size());
  if (std::exchange(output_counted_, false)) loop_.count_output(-1);
  outbox_.clear();
  sent_ = sealed_ = 0;
  begun_ = false;
  if (outbox_.capacity() >= kSmallOutput / 16) {
    loop_.give_back(std::exchange(outbox_, {}));
  }
  if (std::exchange(shut_when_sent_, false)) (void)::shutdown(fd_.get(), SHUT_WR);
}

bool Connection::flush() noexcept {
  while (!outbox_.empty()) {
    std::string_view rest = std::string_view(outbox_).substr(sent_);
    if (tls_) {
      if (sealed_ == 0) {
        if (!seal_outbox()) break;
        continue;
      }
      rest = rest.substr(0, sealed_ - sent_);
    }
    const ssize_t sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(rest.size())) {
      if (!tls_ || sealed_ == outbox_.size()) {
        clear_outbox();
      } else {
        drop_sealed();
      }
    } else if (sent >= 0) {
      sent_ += static_cast<std::size_t>(sent);
    } else if (would_block(errno)) {
      return true;  // tell() goes on
    } else if (errno != EINTR) {
      write_error_ = errno;
      output_failed_ = true;
      clear_outbox();
      abort();
    }
  }
  return write_error_ == 0;
}

bool Connection::write_now(std::string_view& first, std::string_view& second) noexcept {
  if (!outbox_.empty()) return false;  // that goes first
  if (tls_) return write_sealed(first, second);
  // Two parts at most, and none of them empty: the usual shapes of a message.
  iovec parts[2];
  int count = 0;
  for (const std::string_view part : {first, second}) {
    // sendmsg only reads, but iovec has no const.
    if (!part.empty()) parts[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  if (count == 0) return true;
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<std::size_t>(count);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && !would_block(errno)) write_error_ = errno;
  if (sent <= 0) return false;
  const std::size_t of_first = std::min(static_cast<std::size_t>(sent), first.size());
  first.remove_prefix(of_first);
  second.remove_prefix(static_cast<std::size_t>(sent) - of_first);
  return first.empty() && second.empty();
}

Task<Io> Connection::write(std::string_view first, std::string_view second) {
  for (;;) {
    if (!flush()) co_return classify(write_error_);
    if (write_now(first, second)) co_return Io::ok;
    if (write_error_ != 0) co_return classify(write_error_);
    co_await wait(writer_);
  }
}

void Connection::deadline_in(std::chrono::nanoseconds time) noexcept {
  timed_out_ = reads_alone_ = false;
  timer_.set(time);
}

void Connection::read_deadline_in(std::chrono::nanoseconds time) noexcept {
  deadline_in(time);
  reads_alone_ = true;
}

bool Connection::usable_while_idle() noexcept {
  if (begin_ != end_ || ending_) return false;
  // Session tickets and the like come unasked; peek() takes them in.
  if (tls_) {
    if (!readable_ && !tls_->holds_input()) return true;
    return tls_->peek() == TlsSession::Step::wants_input;
  }
  if (!readable_) return true;
  // The last read filled the buffer to its end, so nobody has seen yet that nothing is left.
  char byte;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  readable_ = got >= 0 || !would_block(errno);
  return !readable_;
}

bool Connection::input_waits() const noexcept {
  char byte;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool Connection::peer_ended() noexcept {
  if (tls_) {
    const TlsSession::Step step = tls_->peek();
    return step == TlsSession::Step::ended || step == TlsSession::Step::failed;
  }
  char byte;
  const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && !would_block(errno) && errno != EINTR);
}

void Connection::shut_down_writing() noexcept {
  if (tls_) {
    tls_->close();
    shut_when_sent_ = !outbox_.empty();
    if (shut_when_sent_) return;
  }
  (void)::shutdown(fd_.get(), SHUT_WR);
}

void Connection::abort() noexcept {
  // Which the poller tells whoever waits.
  (void)::shutdown(fd_.get(), SHUT_RDWR);
}

void Connection::fire(void* context) noexcept {
  auto* self = static_cast<Connection*>(context);
  self->timed_out_ = true;
  if (!self->reads_alone_) return self->abort();
  (void)::shutdown(self->fd_.get(), SHUT_RD);  // which the poller tells whoever reads
}

Io Connection::classify(int error) const noexcept {
  if (timed_out_) return Io::timed_out;
  return error == 0 ? Io::closed : Io::failed;
}

}  // namespace davy::net
