#include "mechanisms/net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/secret.h"
#include "base/strings.h"

namespace davy::net {
namespace {

constexpr std::size_t kMaxCertificateFile = 1024 * 1024;  // Debian's store of all has 220 KB
constexpr int kMaxChain = 16;
constexpr int kMaxAuthorities = 1000;

// Mozilla, "intermediate" 5.7, without the finite-field suites (RFC 9325 section 4.1).
constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // SSL_CTX_set_security_level(3): 112 bits

// RFC 7301: the length of each name before it.
constexpr unsigned char kAlpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

struct FreeBio {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

Error at_fault(const std::string& file, std::string message, std::string hint = {}) {
  ERR_clear_error();
  return invalid_input(std::move(message), {file}, std::move(hint));
}

// After OpenSSL has refused a certificate.
Error not_taken(const std::string& file, std::size_t number) {
  const char* const why = ERR_reason_error_string(ERR_peek_last_error());
  return at_fault(file,
                  "certificate " + std::to_string(number) + " is not usable for TLS" +
                      (why != nullptr ? std::string(": ") + why : std::string()),
                  "it needs RSA from 2048 bits or an elliptic curve, signed with SHA-256 or more");
}

Bio view_of(std::string_view pem) {
  // OpenSSL takes no null pointer, even for nothing.
  if (pem.empty()) pem = "\n";
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Never asks a terminal. `asked` is a bool.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// Whether the last error says only that the PEM has no further block.
bool only_the_end() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

Result<std::vector<Certificate>> read_certificates(std::string_view pem, const std::string& file,
                                                   int most) {
  const Bio bio = view_of(pem);
  std::vector<Certificate> out;
  bool asked = false;
  for (;;) {
    Certificate next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, &asked));
    if (!next) break;
    if (out.size() == static_cast<std::size_t>(most)) {
      return at_fault(file, "holds more than " + std::to_string(most) + " certificates",
                      "leave out those that are not needed");
    }
    out.push_back(std::move(next));
  }
  if (!only_the_end()) {
    return at_fault(
        file, "holds a certificate that cannot be read, number " + std::to_string(out.size() + 1),
        "it must be PEM, as `openssl x509 -in FILE -noout -text` reads it");
  }
  ERR_clear_error();
  if (out.empty()) {
    return at_fault(file, "holds no certificate",
                    "it must be PEM, with a line -----BEGIN CERTIFICATE-----");
  }
  return out;
}

Result<Key> read_key(std::string_view pem, const std::string& file) {
  const Bio bio = view_of(pem);
  bool asked = false;
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &asked));
  if (asked) {
    return at_fault(file, "holds a key that is locked with a passphrase",
                    "unlock it: openssl pkey -in FILE -out FILE.open, with mode 0600");
  }
  if (key) return key;
  if (pem.find("PRIVATE KEY-----") == std::string_view::npos) {
    return at_fault(file, "holds no private key",
                    "it must be PEM, with a line -----BEGIN PRIVATE KEY-----");
  }
  return at_fault(file, "holds a private key that cannot be read",
                  "`openssl pkey -in FILE -noout -check` says what is wrong with it");
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

// The part that both sides share.
Result<TlsContext> make_context(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method));
  SSL_CTX* const raw = context.get();
  if (raw == nullptr) {
    ERR_clear_error();
    return internal_error("OpenSSL gives no TLS context");
  }
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  // SSL_CTX_set_options takes away none that the system's openssl.cnf has set, which may
  // be stricter; but an end without close_notify is never taken for an orderly one.
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_clear_options(raw,
                        SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  // 10,000 idle connections: without this each keeps some 34 KB of buffers.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  // One receive takes all that is there, not first a record's head and then the rest.
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCiphers) != 1 || SSL_CTX_set1_groups_list(raw, kGroups) != 1) {
    ERR_clear_error();
    return internal_error("OpenSSL does not take our TLS settings");
  }
  return context;
}

// The certificate that a side shows of itself, with its key.
Result<Validity> use_certificate(SSL_CTX* context, const TlsPem& pem, const std::string& file,
                                 const std::string& key_file) {
  DAVY_ASSIGN(auto chain, read_certificates(pem.certificate, file, kMaxChain));
  DAVY_ASSIGN(const Key key, read_key(pem.key, key_file));
  X509* const own = chain.front().get();
  if (X509_check_private_key(own, key.get()) != 1) {
    return at_fault(key_file, "is not the key of the certificate in " + file,
                    "the certificate must be the first of its file, the others follow");
  }
  if (SSL_CTX_use_certificate(context, own) != 1) return not_taken(file, 1);
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return at_fault(key_file, "holds a private key of a kind that TLS does not use",
                    "use RSA, ECDSA or Ed25519");
  }
  const Validity validity{time_of(X509_get0_notBefore(own)), time_of(X509_get0_notAfter(own))};
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, chain[i].get()) != 1) return not_taken(file, i + 1);
  }
  return validity;
}

// Trusts what `pem` holds and nothing else. An authority below a root may stand alone.
Result<void> trust(SSL_CTX* context, std::string_view pem, const std::string& file,
                   bool tell_peers) {
  DAVY_ASSIGN(const auto authorities, read_certificates(pem, file, kMaxAuthorities));
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const Certificate& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        (tell_peers && SSL_CTX_add_client_CA(context, authority.get()) != 1)) {
      return at_fault(file, "holds a certificate that OpenSSL does not take",
                      "`openssl x509 -in FILE -noout -text` reads the first of them");
    }
  }
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

// RFC 7301 section 3.2: names that we do not speak end the handshake.
int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned int size, void*) {
  for (unsigned int at = 0; at < size; at += 1U + in[at]) {
    const unsigned int whole = 1U + in[at];
    if (whole > size - at) break;
    if (!std::equal(in + at, in + at + whole, std::begin(kAlpn), std::end(kAlpn))) continue;
    *out = in + at + 1;
    *out_size = in[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<std::string> read_certificate_file(const std::string& path) {
  if (path.empty()) return std::string();
  return read_file(path, kMaxCertificateFile);
}

Result<std::string> read_key_file(const std::string& path) {
  if (path.empty()) return std::string();
  return read_secret_file(path);
}

}  // namespace

void FreeTlsContext::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

Result<TlsServer> TlsServer::load(const ListenTls& files) {
  auto made = load_files(files);
  if (made) return made;
  // Where the configuration names the file is more help than the file's name alone.
  Error why = made.error();
  const std::pair<const std::string&, const Place&> places[] = {
      {files.certificate, files.certificate_place},
      {files.key, files.key_place},
      {files.client_ca, files.client_ca_place}};
  for (const auto& [file, place] : places) {
    if (why.place.file != file || place.file.empty()) continue;
    why.message = printable(file, 500) + ": " + why.message;
    why.place = place;
    break;
  }
  return why;
}

Result<TlsServer> TlsServer::load_files(const ListenTls& files) {
  DAVY_ASSIGN(const std::string certificate, read_certificate_file(files.certificate));
  DAVY_ASSIGN(std::string key, read_key_file(files.key));
  const Secret wiped_later(std::move(key));
  DAVY_ASSIGN(const std::string authorities, read_certificate_file(files.client_ca));
  return create({certificate, wiped_later.expose(), authorities}, files);
}

Result<TlsServer> TlsServer::create(const TlsPem& pem, const ListenTls& names) {
  TlsServer out;
  DAVY_ASSIGN(out.context_, make_context(TLS_server_method()));
  SSL_CTX* const context = out.context_.get();
  DAVY_ASSIGN(out.validity_, use_certificate(context, pem, names.certificate, names.key));
  SSL_CTX_set_alpn_select_cb(context, choose_alpn, nullptr);
  if (pem.authorities.empty() && names.client_ca.empty()) return out;
  out.asks_clients_ = true;
  DAVY_TRY(trust(context, pem.authorities, names.client_ca, true));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Each connection shows its key anew: none is let in by a ticket of an earlier one.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  return out;
}

Result<TlsClient> TlsClient::load(const UpstreamTls& files) {
  DAVY_ASSIGN(const std::string certificate, read_certificate_file(files.certificate));
  DAVY_ASSIGN(std::string key, read_key_file(files.key));
  const Secret wiped_later(std::move(key));
  DAVY_ASSIGN(const std::string authorities, read_certificate_file(files.ca));
  return create({certificate, wiped_later.expose(), authorities}, files);
}

Result<TlsClient> TlsClient::create(const TlsPem& pem, const UpstreamTls& names) {
  TlsClient out;
  DAVY_ASSIGN(out.context_, make_context(TLS_client_method()));
  SSL_CTX* const context = out.context_.get();
  if (!names.certificate.empty() || !names.key.empty()) {
    DAVY_TRY(use_certificate(context, pem, names.certificate, names.key));
  }
  if (!names.ca.empty()) {
    DAVY_TRY(trust(context, pem.authorities, names.ca, false));
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    ERR_clear_error();
    return unavailable("the system's certificate authorities cannot be read", {},
                       "install ca-certificates, or name a file of authorities");
  }
  out.verifies_ = names.verify;
  SSL_CTX_set_verify(context, names.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  // Unlike nearly all of OpenSSL, this gives 0 for success.
  if (SSL_CTX_set_alpn_protos(context, std::data(kAlpn), std::size(kAlpn)) != 0) {
    return internal_error("OpenSSL does not take our ALPN name");
  }
  return out;
}

}  // namespace davy::net
