#include "app/certificate_check.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "mechanisms/net/tls_for_tests.h"

namespace davy::app {
namespace {

using net::testing::Authority;
using net::testing::Pair;
using net::testing::Wanted;

class CertificateCheck : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "davy-certificates-" + std::to_string(::getpid());
    std::filesystem::create_directory(folder_);
    Endpoint endpoint{"127.0.0.1", 8443, {"davylamp.yaml", 1, 1}};
    endpoint.tls = ListenTls{folder_ + "/server.pem",  folder_ + "/server.key",  "",
                             {"davylamp.yaml", 3, 20}, {"davylamp.yaml", 4, 12}, {}};
    settings_.listen = {Endpoint{"127.0.0.1", 8080, {}}, endpoint};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const Pair& pair) const {
    std::ofstream(folder_ + "/server.pem") << pair.certificate;
    std::ofstream(folder_ + "/server.key") << pair.key;
    ::chmod((folder_ + "/server.key").c_str(), 0600);
  }
  // All that is said, one line each.
  [[nodiscard]] std::string said() const {
    Diagnostics diagnostics;
    check_certificates(settings_, system_clock().now().wall, diagnostics);
    std::string out;
    for (const Diagnostic& each : diagnostics.all()) out += each.text() + "\n";
    return out;
  }

  std::string folder_;
  Settings settings_;
  Authority authority_;
};

TEST_F(CertificateCheck, IsQuietWhereAllIsFine) {
  write(authority_.issue());
  EXPECT_EQ(said(), "");
}

TEST_F(CertificateCheck, AMissingFileIsNamedWhereItStands) {
  const std::string text = said();
  EXPECT_TRUE(text.starts_with("davylamp.yaml:3:20: error: " + folder_ + "/server.pem")) << text;
}

TEST_F(CertificateCheck, AKeyOfAnotherCertificateIsNamedWhereItStands) {
  Pair mixed = authority_.issue();
  mixed.key = authority_.issue().key;
  write(mixed);
  const std::string text = said();
  EXPECT_TRUE(text.starts_with("davylamp.yaml:4:12: error: ")) << text;
  EXPECT_NE(text.find("is not the key of the certificate"), std::string::npos) << text;
}

TEST_F(CertificateCheck, WarnsOfTimes) {
  const auto with = [&](long from_days, long until_days) {
    Wanted wanted;
    wanted.from_days = from_days;
    wanted.until_days = until_days;
    write(authority_.issue(wanted));
    return said();
  };
  for (const auto& [from, until, what] :
       {std::tuple{-3, -1, "expired on"}, std::tuple{-3, 13, "expires on"},
        std::tuple{1, 90, "does not hold before"}}) {
    const std::string text = with(from, until);
    EXPECT_TRUE(text.starts_with("davylamp.yaml:3:20: warning: this certificate ")) << text;
    EXPECT_NE(text.find(what), std::string::npos) << text;
  }
  EXPECT_EQ(with(-3, 15), "");
}

}  // namespace
}  // namespace davy::app
