// What Connection does otherwise where it has TLS.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/secret.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/tls.h"
#include "mechanisms/net/tls_session.h"

namespace davy::net {

Task<Result<void>> Connection::accept_tls(const TlsServer& server) {
  tls_ = TlsSession::make(server, *this);
  co_return co_await shake_hands();
}

Task<Result<void>> Connection::connect_tls(const TlsClient& client, std::string host) {
  tls_ = TlsSession::make(client, *this, host);
  co_return co_await shake_hands();
}

Task<Result<void>> Connection::shake_hands() {
  if (!tls_) co_return internal_error("OpenSSL gives no TLS session");
  tls_->begin_with(input());
  consume(input().size());
  for (;;) {
    const TlsSession::Step step = tls_->handshake();
    if (step == TlsSession::Step::done) co_return Result<void>();
    if (step == TlsSession::Step::wants_input) {
      co_await wait(reader_);
      continue;
    }
    Error why = timed_out_ ? unavailable("the TLS handshake took too long") : tls_->trouble();
    spoke_plain_http_ = tls_->spoke_http();
    tls_.reset();
    co_return why;
  }
}

std::optional<Error> Connection::tls_trouble() const {
  if (!tls_ || !tls_->failed()) return std::nullopt;
  return tls_->trouble();
}

std::optional<Io> Connection::open_now() {
  if (!readable_ && !tls_->holds_input()) return std::nullopt;
  // Not asked of TLS, which would take it for a fault and write no more.
  if (timed_out_) return Io::timed_out;
  make_room();
  // All records that are here already: each small piece of a stream is one.
  bool any = false;
  TlsSession::Step step = TlsSession::Step::done;
  while (end_ != capacity_ && step == TlsSession::Step::done) {
    std::size_t got = 0;
    step = tls_->read(buffer_.get() + end_, capacity_ - end_, got);
    end_ += got;
    any |= got != 0;
    if (any && !tls_->holds_input()) break;
  }
  const bool over = step == TlsSession::Step::ended || step == TlsSession::Step::failed;
  if (over) ending_ = readable_ = true;  // the next read says so
  if (any) return Io::ok;
  if (!over) return std::nullopt;
  if (timed_out_) return Io::timed_out;
  return step == TlsSession::Step::ended ? Io::closed : Io::failed;
}

void Connection::send_record(std::string_view record) noexcept {
  if (write_error_ != 0) return;
  std::size_t sent = 0;
  while (sealed_ == 0 && sent < record.size()) {
    const std::string_view rest = record.substr(sent);
    const ssize_t took = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (took >= 0) {
      sent += static_cast<std::size_t>(took);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      write_error_ = errno;
      return;
    }
  }
  begun_ |= sent != 0;
  if (sent != record.size()) put_sealed(record.substr(sent));
}

void Connection::put_sealed(std::string_view record) {
  if (sealed_ == outbox_.size()) {
    if (outbox_.capacity() < kSmallOutput / 16) outbox_ = loop_.output_buffer();
    outbox_ += record;
  } else {
    std::string longer = loop_.output_buffer();
    longer.reserve(outbox_.size() + record.size());
    longer.append(outbox_, 0, sealed_).append(record).append(outbox_, sealed_);
    outbox_.swap(longer);
    if (secret_output_) wipe(longer.data(), longer.size());
    loop_.give_back(std::move(longer));
  }
  sealed_ += record.size();
}

void Connection::drop_sealed() {
  std::string plain = loop_.output_buffer();
  plain.append(outbox_, sealed_);
  outbox_.swap(plain);
  if (secret_output_) wipe(plain.data(), plain.size());
  loop_.give_back(std::move(plain));
  sent_ = sealed_ = 0;
  begun_ = true;
}

bool Connection::seal_outbox() noexcept {
  std::string plain = std::exchange(outbox_, {});
  const bool good = tls_->write(plain);
  if (std::exchange(secret_output_, false)) wipe(plain.data(), plain.size());
  loop_.give_back(std::move(plain));
  if (!good && write_error_ == 0) write_error_ = EPROTO;
  if (write_error_ != 0) {
    output_failed_ = true;
    clear_outbox();
    abort();
    return false;
  }
  if (outbox_.empty()) clear_outbox();
  return true;
}

bool Connection::write_sealed(std::string_view& first, std::string_view& second) noexcept {
  const auto seal = [this](std::string_view& part) {
    const std::string_view piece = part.substr(0, TlsSession::kRecord);
    part.remove_prefix(piece.size());
    if (!tls_->write(piece) && write_error_ == 0) write_error_ = EPROTO;
  };
  if (!first.empty() && !second.empty() && first.size() + second.size() <= TlsSession::kRecord) {
    // A head and its body make one record.
    std::string both = loop_.output_buffer();
    both.reserve(first.size() + second.size());
    both.append(first).append(second);
    std::string_view whole = both;
    first = second = {};
    seal(whole);
    wipe(both.data(), both.size());
    loop_.give_back(std::move(both));
  }
  while (outbox_.empty() && write_error_ == 0) {
    if (first.empty() && second.empty()) return true;
    seal(first.empty() ? second : first);
  }
  return false;
}

}  // namespace davy::net
