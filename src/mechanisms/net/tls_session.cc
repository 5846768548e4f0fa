#include "mechanisms/net/tls_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <utility>

#include "base/strings.h"
#include "mechanisms/net/connection.h"

namespace davy::net {
namespace {

// Names of a certificate that a message repeats.
constexpr int kMaxNames = 5;

std::string names_in(X509* certificate) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string out;
  int shown = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && shown < kMaxNames; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* const text = name->d.dNSName;
    std::string raw;
    for (int at = 0; at < ASN1_STRING_length(text); ++at) {
      raw += static_cast<char>(ASN1_STRING_get0_data(text)[at]);
    }
    out += (shown++ == 0 ? "" : ", ") + printable(raw, 100);
  }
  GENERAL_NAMES_free(names);
  return out;
}

}  // namespace

// What OpenSSL calls: instead of a socket, and to be told about a certificate.
struct TlsWire {
  // Keeps the names of a certificate that is made out to others, for the message. Later
  // nobody has them any more.
  static int verified(int good, X509_STORE_CTX* context) noexcept {
    const int verdict = X509_STORE_CTX_get_error(context);
    if (good == 1 ||
        (verdict != X509_V_ERR_HOSTNAME_MISMATCH && verdict != X509_V_ERR_IP_ADDRESS_MISMATCH)) {
      return good;
    }
    const auto* const ssl = static_cast<SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    static_cast<TlsSession*>(SSL_get_app_data(ssl))->names_ =
        names_in(X509_STORE_CTX_get0_cert(context));
    return good;
  }

  static int read(BIO* bio, char* data, int room) noexcept {
    BIO_clear_retry_flags(bio);
    TlsSession& session = *static_cast<TlsSession*>(BIO_get_data(bio));
    const auto most = static_cast<std::size_t>(room);
    if (!session.early_.empty()) {
      const std::size_t size = session.early_.copy(data, most);
      session.early_.erase(0, size);
      return static_cast<int>(size);
    }
    const ssize_t got = session.wire_.receive(data, most);
    if (got == Connection::kNothingNow) BIO_set_retry_read(bio);
    return got < 0 ? -1 : static_cast<int>(got);
  }

  static int write(BIO* bio, const char* data, int size) noexcept {
    BIO_clear_retry_flags(bio);
    static_cast<TlsSession*>(BIO_get_data(bio))
        ->wire_.send_record({data, static_cast<std::size_t>(size)});
    return size;
  }

  static long control(BIO*, int command, long, void*) noexcept {
    // Where a read gives nothing and need not be tried again, it is the end.
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_EOF ? 1 : 0;
  }

  // Made once and never freed: connections may live as long as the process.
  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* const m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "davy wire");
      if (m == nullptr) return m;
      BIO_meth_set_read(m, &TlsWire::read);
      BIO_meth_set_write(m, &TlsWire::write);
      BIO_meth_set_ctrl(m, &TlsWire::control);
      return m;
    }();
    return made;
  }
};

namespace {

bool is_address(const std::string& host) noexcept {
  in6_addr buffer{};
  return inet_pton(AF_INET, host.c_str(), &buffer) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

// Only the leftmost label may be a wildcard, and only whole (RFC 9525 section 6.3).
bool expect_host(SSL* ssl, const std::string& host) noexcept {
  X509_VERIFY_PARAM* const check = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(
      check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str()) == 1;
  // RFC 6066 section 3: a name, never an address.
  return X509_VERIFY_PARAM_set1_host(check, host.data(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string_view hint_for(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "it must be renewed there; if it was, this machine's clock is wrong";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "use a name that it is made out to, or the right address";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "name a file with the authority that signed it";
    default: return "it must be replaced there";
  }
}

}  // namespace

std::unique_ptr<TlsSession> TlsSession::make(SSL* ssl, Connection& wire, std::string host) {
  if (ssl == nullptr) return nullptr;
  std::unique_ptr<TlsSession> session(new TlsSession(ssl, wire, std::move(host)));
  BIO* const bio = BIO_new(TlsWire::method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);  // takes it over
  SSL_set_app_data(ssl, session.get());
  SSL_set_verify(ssl, SSL_get_verify_mode(ssl), &TlsWire::verified);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::make(const TlsServer& server, Connection& wire) {
  auto session = make(SSL_new(server.context_.get()), wire, "");
  if (session) SSL_set_accept_state(session->ssl_);
  return session;
}

std::unique_ptr<TlsSession> TlsSession::make(const TlsClient& client, Connection& wire,
                                             const std::string& host) {
  auto session = make(SSL_new(client.context_.get()), wire, host);
  if (!session || !expect_host(session->ssl_, host)) return nullptr;
  SSL_set_connect_state(session->ssl_);
  return session;
}

TlsSession::~TlsSession() { SSL_free(ssl_); }

TlsSession::Step TlsSession::step_after(int result) noexcept {
  if (result > 0) return Step::done;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: return Step::wants_input;
    case SSL_ERROR_ZERO_RETURN: return Step::ended;
    default: break;
  }
  if (!failed_) reason_ = ERR_peek_last_error();
  failed_ = true;
  ERR_clear_error();
  return Step::failed;
}

TlsSession::Step TlsSession::handshake() noexcept {
  ERR_clear_error();
  return step_after(SSL_do_handshake(ssl_));
}

TlsSession::Step TlsSession::read(char* data, std::size_t room, std::size_t& got) noexcept {
  got = 0;
  if (failed_) return Step::failed;
  ERR_clear_error();
  return step_after(SSL_read_ex(ssl_, data, room, &got));
}

TlsSession::Step TlsSession::peek() noexcept {
  if (failed_) return Step::failed;
  char byte;
  std::size_t got = 0;
  ERR_clear_error();
  return step_after(SSL_peek_ex(ssl_, &byte, 1, &got));
}

// SSL_has_pending sees what is still closed, SSL_pending what is open.
bool TlsSession::holds_input() const noexcept {
  return !early_.empty() || SSL_pending(ssl_) > 0 || SSL_has_pending(ssl_) == 1;
}

bool TlsSession::write(std::string_view data) noexcept {
  if (failed_) return false;
  std::size_t written = 0;
  ERR_clear_error();
  return step_after(SSL_write_ex(ssl_, data.data(), data.size(), &written)) == Step::done;
}

void TlsSession::close() noexcept {
  if (failed_ || (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) != 0 || SSL_in_init(ssl_) == 1)
    return;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsSession::spoke_http() const noexcept {
  return failed_ && ERR_GET_LIB(reason_) == ERR_LIB_SSL &&
         ERR_GET_REASON(reason_) == SSL_R_HTTP_REQUEST;
}

Error TlsSession::trouble() const {
  const bool accepts = host_.empty();
  const std::string who = accepts ? "the client" : printable(host_, 253);
  const long verdict = SSL_get_verify_result(ssl_);
  if (verdict != X509_V_OK && (SSL_get_verify_mode(ssl_) & SSL_VERIFY_PEER) != 0) {
    std::string what =
        "the certificate of " + who + " is not accepted: " + X509_verify_cert_error_string(verdict);
    if (!names_.empty()) what += ", it is made out to " + names_;
    return unavailable(std::move(what), {}, std::string(accepts ? "" : hint_for(verdict)));
  }
  switch (ERR_GET_LIB(reason_) == ERR_LIB_SSL ? ERR_GET_REASON(reason_) : 0) {
    case 0:
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return unavailable(who + " ended the connection without TLS's close_notify");
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return unavailable(who + " spoke plain HTTP", {}, "use https:// on this port");
    case SSL_R_WRONG_VERSION_NUMBER:
      return unavailable(who + " does not speak TLS", {},
                         accepts ? "" : "check the port, or use http:// on a trusted network");
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return unavailable(who + " speaks neither TLS 1.2 nor 1.3");
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return unavailable(who + " and we have no cipher in common, or it wants a certificate");
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return unavailable(who + " showed no certificate");
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return unavailable(who + " asks for a client certificate", {}, "give one, with its key");
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return unavailable(who + " does not know the authority of our certificate");
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return unavailable(who + " does not accept our certificate");
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
      return unavailable(who + " does not speak http/1.1");
    default: break;
  }
  const char* const why = ERR_reason_error_string(reason_);
  return unavailable("TLS with " + who + " failed: " + (why != nullptr ? why : "no reason given"));
}

}  // namespace davy::net
