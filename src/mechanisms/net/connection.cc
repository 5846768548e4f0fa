#include "mechanisms/net/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "base/secret.h"

namespace davy::net {

Connection::Connection(Socket socket, Loop& loop)
    : loop_(loop), socket_(std::move(socket)), timer_(loop.timers(), &Connection::fire, this) {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Connection::~Connection() {
  if (in_round_) loop_.forget(*this);
  if (!outbox_.empty() && !self_) flush();
  if (self_) *self_ = nullptr;
  clear_outbox();
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

Task<Io> Connection::read_more() {
  if (end_ == capacity_) {
    if (begin_ > capacity_ / 2) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    } else {
      grow(capacity_ == 0 ? kInitialBuffer : 2 * capacity_);
    }
  }
  boost::system::error_code error;
  const std::size_t got = co_await socket_.async_read_some(
      asio::buffer(buffer_.get() + end_, capacity_ - end_), asio::redirect_error(kAwait, error));
  end_ += got;
  co_return error ? classify(error) : Io::ok;
}

std::string& Connection::outbox() {
  if (outbox_.capacity() < kSmallOutput / 16) outbox_ = loop_.output_buffer();
  return outbox_;
}

void Connection::send_soon(bool secret) {
  secret_output_ |= secret;
  if (in_round_ || self_) return;
  in_round_ = true;
  loop_.send_after_round(*this);
}

void Connection::clear_outbox() noexcept {
  if (std::exchange(secret_output_, false)) wipe(outbox_.data(), outbox_.size());
  outbox_.clear();
  if (outbox_.capacity() >= kSmallOutput / 16) {
    loop_.give_back(std::exchange(outbox_, {}));
  }
}

void Connection::flush() noexcept {
  if (outbox_.empty()) return;
  const ssize_t sent = ::send(socket_.native_handle(), outbox_.data(), outbox_.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(outbox_.size())) return clear_outbox();
  if (sent >= 0 || errno == EAGAIN || errno == EINTR) {
    if (sent > 0) outbox_.erase(0, static_cast<std::size_t>(sent));
    try {
      return flush_when_writable();
    } catch (const std::exception&) {
      // No memory: as if the kernel had refused.
    }
  }
  output_failed_ = true;
  clear_outbox();
  abort();
}

void Connection::flush_when_writable() {
  if (!self_) self_ = std::make_shared<Connection*>(this);
  socket_.async_wait(Socket::wait_write, [self = self_](const boost::system::error_code& error) {
    Connection* const connection = *self;
    if (connection == nullptr) return;
    if (!error) connection->flush();
    if (!error && !connection->outbox_.empty()) return;  // it waits again
    connection->output_failed_ |= !connection->outbox_.empty();
    connection->clear_outbox();
    connection->self_.reset();
  });
}

bool Connection::write_now(std::string_view& first, std::string_view& second) noexcept {
  if (!outbox_.empty()) return false;  // that goes first
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
  const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent <= 0) return false;
  const std::size_t of_first = std::min(static_cast<std::size_t>(sent), first.size());
  first.remove_prefix(of_first);
  second.remove_prefix(static_cast<std::size_t>(sent) - of_first);
  return first.empty() && second.empty();
}

Task<Io> Connection::write(std::string_view first, std::string_view second) {
  if (write_now(first, second)) co_return Io::ok;
  const std::string waiting = std::exchange(outbox_, {});
  const std::array<asio::const_buffer, 3> parts{asio::buffer(waiting), asio::buffer(first),
                                                asio::buffer(second)};
  boost::system::error_code error;
  co_await asio::async_write(socket_, parts, asio::redirect_error(kAwait, error));
  co_return error ? classify(error) : Io::ok;
}

void Connection::deadline_in(std::chrono::nanoseconds time) noexcept {
  timed_out_ = false;
  timer_.set(time);
}

bool Connection::usable_while_idle() noexcept {
  if (!socket_.is_open() || begin_ != end_) return false;
  char byte;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool Connection::peer_ended() noexcept {
  char byte;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Connection::shut_down_writing() noexcept {
  flush();
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void Connection::close() noexcept {
  timer_.clear();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Connection::abort() noexcept {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

void Connection::fire(void* context) noexcept {
  auto* self = static_cast<Connection*>(context);
  self->timed_out_ = true;
  self->abort();
}

Io Connection::classify(const boost::system::error_code& error) const noexcept {
  if (timed_out_) return Io::timed_out;
  if (error == asio::error::eof || error == asio::error::connection_reset ||
      error == asio::error::broken_pipe || error == asio::error::operation_aborted ||
      error == asio::error::bad_descriptor || error == asio::error::not_connected) {
    return Io::closed;
  }
  return Io::failed;
}

}  // namespace davy::net
