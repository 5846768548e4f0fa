// What TLS connections are made from: certificates, keys and whom to trust. Connection
// (connection.h) takes one for a handshake.
//
// Strict on both sides, after RFC 9325 and Mozilla's "intermediate" guideline 5.7: TLS 1.2
// and 1.3; of TLS 1.2 only ECDHE with AES-GCM or ChaCha20-Poly1305; X25519, P-256, P-384;
// 112 bits of security at least (RSA from 2048); no compression, no renegotiation, no early
// data; ALPN http/1.1 alone.
//
// Both are immutable and thread-safe: one serves all loops. Connections keep what they need
// of it, so it may go, or another take its place, while they live.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/settings.h"
#include "core/upstream.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace davy::net {

struct FreeTlsContext {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, FreeTlsContext>;

// PEM as it was read, for whoever has it in memory; empty = not given.
struct TlsPem {
  std::string_view certificate;
  std::string_view key;
  std::string_view authorities;
};

// When a certificate holds.
struct Validity {
  WallTime from;
  WallTime until;
};

class TlsServer {
 public:
  // An error has the place in the configuration that names the file at fault (or the file,
  // where `files` has no places), the cause, and what to do; nothing of a key. The key's file must
  // be closed to others (read_secret_file). A certificate that does not hold now is no error: see
  // validity().
  [[nodiscard]] static Result<TlsServer> load(const ListenTls& files);
  // `names` stand in messages.
  [[nodiscard]] static Result<TlsServer> create(const TlsPem& pem, const ListenTls& names);

  [[nodiscard]] const Validity& validity() const noexcept { return validity_; }
  // Whether clients must show a certificate.
  [[nodiscard]] bool asks_clients() const noexcept { return asks_clients_; }

 private:
  friend class TlsSession;
  TlsServer() = default;
  [[nodiscard]] static Result<TlsServer> load_files(const ListenTls& files);
  TlsContext context_;
  Validity validity_;
  bool asks_clients_ = false;
};

class TlsClient {
 public:
  // As TlsServer::load. The system's authorities are where OpenSSL looks for them
  // (/etc/ssl/certs; SSL_CERT_FILE and SSL_CERT_DIR name others).
  [[nodiscard]] static Result<TlsClient> load(const UpstreamTls& files);
  [[nodiscard]] static Result<TlsClient> create(const TlsPem& pem, const UpstreamTls& names);

  [[nodiscard]] bool verifies() const noexcept { return verifies_; }

 private:
  friend class TlsSession;
  TlsClient() = default;
  TlsContext context_;
  bool verifies_ = true;
};

}  // namespace davy::net
