// For tests only: certificates made on the spot, and a blocking TLS client.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "mechanisms/net/testing.h"

namespace davy::net::testing {

struct Pair {
  std::string certificate;  // PEM
  std::string key;
};

struct Wanted {
  std::string names = "DNS:localhost,IP:127.0.0.1";  // as subjectAltName in openssl.cnf
  long from_days = -1;                               // from now
  long until_days = 30;
  std::string common_name = "test";
};

// Signs what is asked of it. Keys are P-256, which is quick to make.
class Authority {
 public:
  explicit Authority(std::string name = "test authority") : key_(EVP_EC_gen("P-256")) {
    Wanted wanted;
    wanted.names.clear();
    wanted.common_name = std::move(name);
    certificate_ = make(wanted, key_, nullptr, key_, true);
  }
  ~Authority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  [[nodiscard]] std::string pem() const { return text_of(certificate_); }

  [[nodiscard]] Pair issue(const Wanted& wanted = {}) const {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    return sign(wanted, key);
  }
  [[nodiscard]] Pair issue_rsa(unsigned bits) const { return sign({}, EVP_RSA_gen(bits)); }

  static std::string key_text(EVP_PKEY* key, const char* passphrase = nullptr) {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(out, key, passphrase != nullptr ? EVP_aes_128_cbc() : nullptr, nullptr,
                             0, nullptr, const_cast<char*>(passphrase));
    return take(out);
  }

 private:
  Pair sign(const Wanted& wanted, EVP_PKEY* key) const {
    X509* const made = make(wanted, key, certificate_, key_, false);
    Pair out{text_of(made), key_text(key)};
    X509_free(made);
    EVP_PKEY_free(key);
    return out;
  }

  static void extend(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static X509* make(const Wanted& wanted, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                    bool authority) {
    constexpr long kDay = 24 * 60 * 60;
    static long serial = 0;
    X509* const out = X509_new();
    X509_set_version(out, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(out), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(out), wanted.from_days * kDay);
    X509_gmtime_adj(X509_getm_notAfter(out), wanted.until_days * kDay);
    X509_NAME* const name = X509_get_subject_name(out);
    std::basic_string<unsigned char> text(wanted.common_name.begin(), wanted.common_name.end());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text.data(),
                               static_cast<int>(text.size()), -1, 0);
    X509_set_issuer_name(out, issuer != nullptr ? X509_get_subject_name(issuer) : name);
    X509_set_pubkey(out, key);
    X509* const signer = issuer != nullptr ? issuer : out;
    extend(out, signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (authority) extend(out, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    if (!wanted.names.empty()) extend(out, signer, NID_subject_alt_name, wanted.names.c_str());
    X509_sign(out, issuer_key, EVP_sha256());
    return out;
  }

  static std::string text_of(X509* certificate) {
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    return take(out);
  }

  static std::string take(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }

  EVP_PKEY* key_;
  X509* certificate_ = nullptr;
};

struct TlsTestOptions {
  int version = 0;       // 0: the newest that both have
  Pair own{};            // shown if not empty
  std::string alpn{};    // as on the wire
  std::string before{};  // sent in plain text before the handshake
};

// A client as anybody's: OpenSSL's defaults, but that it does not check the server.
class TlsTestClient : public Client {
 public:
  explicit TlsTestClient(std::uint16_t port, const TlsTestOptions& options = {}) : Client(port) {
    context_ = SSL_CTX_new(TLS_client_method());
    // So that old versions can be tried at all.
    SSL_CTX_set_security_level(context_, 0);
    if (options.version != 0) {
      SSL_CTX_set_min_proto_version(context_, options.version);
      SSL_CTX_set_max_proto_version(context_, options.version);
    }
    if (!options.own.certificate.empty()) show(options.own);
    ssl_ = SSL_new(context_);
    if (!options.alpn.empty()) {
      const std::basic_string<unsigned char> names(options.alpn.begin(), options.alpn.end());
      SSL_set_alpn_protos(ssl_, names.data(), static_cast<unsigned>(names.size()));
    }
    SSL_set_fd(ssl_, fd_);
    if (!options.before.empty()) (void)Client::send(options.before);
    ERR_clear_error();
    connected_ = connected_ && SSL_connect(ssl_) == 1;
    if (!connected_) error_ = last_error();
  }
  ~TlsTestClient() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  bool send(std::string_view data) override {
    std::size_t written = 0;
    return connected_ && SSL_write_ex(ssl_, data.data(), data.size(), &written) == 1;
  }
  ssize_t receive(char* to, std::size_t room) override {
    if (!connected_) return -1;
    ERR_clear_error();
    const int got = SSL_read(ssl_, to, static_cast<int>(room));
    if (got <= 0) {
      told_end_ = SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN;
      if (!told_end_) error_ = last_error();
    }
    return got;
  }
  // close_notify; the socket stays.
  void tell_end() override { (void)SSL_shutdown(ssl_); }

  // Whether the last receive() met a close_notify.
  [[nodiscard]] bool told_end() const { return told_end_; }
  // What OpenSSL says of the last failure.
  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] SSL* ssl() { return ssl_; }

 private:
  static std::string last_error() {
    const char* const why = ERR_reason_error_string(ERR_peek_last_error());
    return why != nullptr ? why : "";
  }
  void show(const Pair& own) {
    BIO* bio = BIO_new_mem_buf(own.certificate.data(), static_cast<int>(own.certificate.size()));
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    bio = BIO_new_mem_buf(own.key.data(), static_cast<int>(own.key.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
  }

  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool told_end_ = false;
  std::string error_;
};

}  // namespace davy::net::testing
