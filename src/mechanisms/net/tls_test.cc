// Certificates, keys and authorities: what is taken, and what is said of the others.
#include "mechanisms/net/tls.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "mechanisms/net/tls_for_tests.h"

namespace davy::net {
namespace {

using testing::Authority;
using testing::Pair;
using testing::Wanted;

const ListenTls kNames{"server.pem", "server.key", "clients.pem", {}, {}, {}};
const ListenTls kNoClients{"server.pem", "server.key", "", {}, {}, {}};

std::string said(const Result<TlsServer>& made) { return made ? "" : made.error().text(); }

TEST(TlsServer, TakesAPairWithItsChain) {
  const Authority authority;
  const Pair own = authority.issue();
  const auto made = TlsServer::create({own.certificate + authority.pem(), own.key, ""}, kNoClients);
  ASSERT_TRUE(made) << said(made);
  EXPECT_FALSE(made->asks_clients());
}

TEST(TlsServer, SaysWhenItsCertificateHolds) {
  Wanted wanted;
  wanted.from_days = -3;
  wanted.until_days = -1;
  const Pair own = Authority().issue(wanted);
  const auto made = TlsServer::create({own.certificate, own.key, ""}, kNoClients);
  ASSERT_TRUE(made) << said(made);
  const Validity& validity = made->validity();
  EXPECT_EQ(validity.until - validity.from, std::chrono::hours(48));
  EXPECT_LT(validity.until, system_clock().now().wall);
}

TEST(TlsServer, NamesTheFileAndTheCause) {
  const Authority authority;
  const Pair own = authority.issue();
  const Pair other = authority.issue();
  struct Case {
    std::string certificate;
    std::string key;
    std::string authorities;
    std::string file;
    std::string cause;
  };
  EVP_PKEY* const locked = EVP_EC_gen("P-256");
  const std::string locked_pem = Authority::key_text(locked, "swordfish");
  EVP_PKEY_free(locked);
  const std::string broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  std::string many;
  for (int i = 0; i < 17; ++i) many += own.certificate;
  const Pair weak = authority.issue_rsa(1024);
  const Case cases[] = {
      {"", own.key, "", "server.pem", "holds no certificate"},
      {"hello", own.key, "", "server.pem", "holds no certificate"},
      {own.key, own.key, "", "server.pem", "holds no certificate"},
      {broken, own.key, "", "server.pem", "cannot be read, number 1"},
      {own.certificate + broken, own.key, "", "server.pem", "cannot be read, number 2"},
      {many, own.key, "", "server.pem", "more than 16 certificates"},
      {own.certificate, "", "", "server.key", "holds no private key"},
      {own.certificate, own.certificate, "", "server.key", "holds no private key"},
      {own.certificate, locked_pem, "", "server.key", "locked with a passphrase"},
      {own.certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "",
       "server.key", "cannot be read"},
      {own.certificate, other.key, "", "server.key",
       "is not the key of the certificate in server.pem"},
      {weak.certificate, weak.key, "", "server.pem", "certificate 1 is not usable for TLS"},
      {own.certificate, own.key, "nothing", "clients.pem", "holds no certificate"},
  };
  for (const Case& c : cases) {
    const auto made = TlsServer::create({c.certificate, c.key, c.authorities},
                                        c.authorities.empty() ? kNoClients : kNames);
    ASSERT_FALSE(made) << c.cause;
    EXPECT_EQ(made.error().place.file, c.file) << said(made);
    EXPECT_NE(made.error().message.find(c.cause), std::string::npos) << said(made);
    EXPECT_FALSE(made.error().hint.empty()) << said(made);
    EXPECT_EQ(said(made).find("swordfish"), std::string::npos);
  }
}

TEST(TlsServer, AFileOfAuthoritiesThatIsEmptyDoesNotOpenTheDoor) {
  const Pair own = Authority().issue();
  const auto made = TlsServer::create({own.certificate, own.key, ""}, kNames);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().place.file, "clients.pem");
}

TEST(TlsServer, ReadsFilesAndAKeyOnlyIfItIsClosedToOthers) {
  const std::string folder = ::testing::TempDir() + "davy-tls-" + std::to_string(::getpid());
  ASSERT_EQ(::mkdir(folder.c_str(), 0700), 0);
  const Pair own = Authority().issue();
  const ListenTls files{folder + "/server.pem", folder + "/server.key", ""};
  std::ofstream(files.certificate) << own.certificate;
  std::ofstream(files.key) << own.key;
  ::chmod(files.key.c_str(), 0640);
  const auto open_key = TlsServer::load(files);
  ASSERT_FALSE(open_key);
  EXPECT_EQ(open_key.error().place.file, files.key);
  EXPECT_NE(open_key.error().hint.find("chmod 600"), std::string::npos);
  ::chmod(files.key.c_str(), 0600);
  const auto made = TlsServer::load(files);
  EXPECT_TRUE(made) << said(made);
  std::remove(files.certificate.c_str());
  const auto missing = TlsServer::load(files);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().place.file, files.certificate);
  std::remove(files.key.c_str());
  ::rmdir(folder.c_str());
}

TEST(TlsClient, TrustsTheSystemOrAFile) {
  EXPECT_TRUE(TlsClient::load({}));
  const Authority authority;
  EXPECT_TRUE(TlsClient::create({"", "", authority.pem()}, {"private.pem", "", "", "", true}));
  const auto empty = TlsClient::create({}, {"private.pem", "", "", "", true});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().place.file, "private.pem");
}

TEST(TlsClient, ShowsACertificateOnlyWithItsKey) {
  const Pair own = Authority().issue();
  EXPECT_TRUE(TlsClient::create({own.certificate, own.key, ""}, {"", "c.pem", "c.key", "", true}));
  const auto alone = TlsClient::create({own.certificate, "", ""}, {"", "c.pem", "", "", true});
  EXPECT_FALSE(alone);
}

}  // namespace
}  // namespace davy::net
