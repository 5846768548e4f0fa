// The TLS of one connection, for Connection alone.
//
// OpenSSL reads and writes through the connection's own calls on its socket: a read never
// waits (nothing there is `wants_input`) and a write always takes all (what the kernel does
// not take is kept by the connection, in order). So a write never has to wait for a read,
// nor the other way round: renegotiation, which needs that, is off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mechanisms/net/tls.h"

struct ssl_st;  // OpenSSL's SSL

namespace davy::net {

class Connection;

class TlsSession {
 public:
  // The most that one record holds (RFC 8446 5.1).
  static constexpr std::size_t kRecord = 16 * 1024;

  enum class Step : std::uint8_t {
    done,
    wants_input,
    ended,   // the peer has said that no more comes (close_notify)
    failed,  // anything else, an end without close_notify too; trouble() says what
  };

  // For the side that accepts. Null: no memory.
  [[nodiscard]] static std::unique_ptr<TlsSession> make(const TlsServer& server, Connection& wire);
  // For the side that connects; `host` is the name or address that the other side must
  // prove to be.
  [[nodiscard]] static std::unique_ptr<TlsSession> make(const TlsClient& client, Connection& wire,
                                                        const std::string& host);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // What came before TLS began is read before the socket; call it once, first.
  void begin_with(std::string_view input) { early_ = input; }
  [[nodiscard]] Step handshake() noexcept;
  // At least one byte if done; `got` says how many.
  [[nodiscard]] Step read(char* data, std::size_t room, std::size_t& got) noexcept;
  // The same without taking it.
  [[nodiscard]] Step peek() noexcept;
  // Whether a read may give something although the socket is not readable.
  [[nodiscard]] bool holds_input() const noexcept;
  // False: failed. `data` is not empty; more than kRecord becomes several records.
  [[nodiscard]] bool write(std::string_view data) noexcept;
  // Sends close_notify, once.
  void close() noexcept;

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  // Why a step failed, as a sentence with what to do. Of a handshake it names the
  // other side by the host, or as "the client".
  [[nodiscard]] Error trouble() const;
  // The handshake failed since the client spoke plain HTTP.
  [[nodiscard]] bool spoke_http() const noexcept;

 private:
  friend struct TlsWire;
  TlsSession(ssl_st* ssl, Connection& wire, std::string host)
      : ssl_(ssl), wire_(wire), host_(std::move(host)) {}
  [[nodiscard]] static std::unique_ptr<TlsSession> make(ssl_st* ssl, Connection& wire,
                                                        std::string host);
  [[nodiscard]] Step step_after(int result) noexcept;

  ssl_st* ssl_;
  Connection& wire_;
  std::string early_;
  std::string names_;         // of a certificate that is made out to others
  std::string host_;          // "" where we accept
  unsigned long reason_ = 0;  // of the failure, as OpenSSL codes it; 0 = the socket ended
  bool failed_ = false;
};

}  // namespace davy::net
