#include <gtest/gtest.h>

#include "core/settings_for_tests.h"

namespace davy {
namespace {

using settings_for_tests::read;
using settings_for_tests::Read;
using settings_for_tests::read_with;
using settings_for_tests::Tree;

ConfigNode tls(std::vector<std::pair<std::string, ConfigNode>> more = {}) {
  std::vector<std::pair<std::string, ConfigNode>> entries{
      {"certificate", Tree::text("tls/server.pem")}, {"key", Tree::text("/run/server.key")}};
  for (auto& entry : more) entries.push_back(std::move(entry));
  return Tree::map(std::move(entries));
}

TEST(Listen, AnEntryMayHaveACertificate) {
  const Read r =
      read_with("listen", Tree::map({{"address", Tree::text("0.0.0.0:8443")}, {"tls", tls()}}));
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  ASSERT_EQ(r.content.settings.listen.size(), 1u);
  const Endpoint& endpoint = r.content.settings.listen[0];
  EXPECT_EQ(endpoint.text(), "0.0.0.0:8443");
  ASSERT_TRUE(endpoint.tls);
  // Relative to the file of the configuration, as everywhere.
  EXPECT_EQ(endpoint.tls->certificate, "etc/tls/server.pem");
  EXPECT_EQ(endpoint.tls->key, "/run/server.key");
  EXPECT_EQ(endpoint.tls->client_ca, "");
  EXPECT_GT(endpoint.tls->key_place.line, endpoint.tls->certificate_place.line);
}

TEST(Listen, AListMayHoldBothKinds) {
  const Read r = read_with(
      "listen", Tree::list({Tree::text("127.0.0.1:1"),
                            Tree::map({{"address", Tree::text("127.0.0.1:2")},
                                       {"tls", tls({{"client_ca", Tree::text("clients.pem")}})}}),
                            Tree::map({{"address", Tree::text("[::1]:3")}})}));
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  const auto& listen = r.content.settings.listen;
  ASSERT_EQ(listen.size(), 3u);
  EXPECT_FALSE(listen[0].tls);
  ASSERT_TRUE(listen[1].tls);
  EXPECT_EQ(listen[1].tls->client_ca, "etc/clients.pem");
  EXPECT_FALSE(listen[2].tls);
}

TEST(Listen, AnOpenAddressWithoutTlsIsAWarning) {
  const Read plain = read_with("listen", Tree::text("0.0.0.0:8080"));
  EXPECT_TRUE(plain.diagnostics.ok());
  EXPECT_TRUE(plain.says("without TLS")) << plain.all();
  const Read map =
      read_with("listen", Tree::list({Tree::map({{"address", Tree::text("0.0.0.0:8080")}})}));
  EXPECT_TRUE(map.diagnostics.ok());
  EXPECT_TRUE(map.says("listen[0]: keys and prompts cross the network without TLS")) << map.all();
}

TEST(Listen, AUnixSocketLiesBesideTheFile) {
  const Read r = read_with(
      "listen", Tree::list({Tree::text("unix:run/davy.sock"), Tree::text("unix:/run/davy.sock")}));
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  const auto& listen = r.content.settings.listen;
  ASSERT_EQ(listen.size(), 2u);
  EXPECT_EQ(listen[0].path, "etc/run/davy.sock");
  EXPECT_EQ(listen[1].path, "/run/davy.sock");
}

TEST(Listen, AUnixSocketHasAMode) {
  const Read r = read_with("listen", Tree::map({{"address", Tree::text("unix:/run/davy.sock")},
                                                {"mode", Tree::text("0600")}}));
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  EXPECT_EQ(r.content.settings.listen.at(0).mode, 0600u);
  for (const char* mode : {"0o600", "888", "01777", "rw", ""}) {
    const Read wrong = read_with("listen", Tree::map({{"address", Tree::text("unix:/run/d.sock")},
                                                      {"mode", Tree::text(mode)}}));
    EXPECT_TRUE(wrong.says("listen.mode")) << mode << ": " << wrong.all();
  }
  const Read tcp = read_with(
      "listen", Tree::map({{"address", Tree::text("127.0.0.1:1")}, {"mode", Tree::text("0600")}}));
  EXPECT_TRUE(tcp.says("only a Unix socket has one")) << tcp.all();
}

TEST(Listen, AProxyProtocolNeedsProxiesThatAreTrusted) {
  const auto listen = [](ConfigNode access) {
    return read(Tree::map({{"listen", Tree::map({{"address", Tree::text("127.0.0.1:1")},
                                                 {"proxy_protocol", Tree::text("true")}})},
                           {"access", std::move(access)}}));
  };
  const Read none = listen(Tree::map({}));
  EXPECT_TRUE(none.says("proxy_protocol needs access.trusted_proxies")) << none.all();
  const Read r = listen(Tree::map({{"trusted_proxies", Tree::list({Tree::text("10.0.0.0/8")})},
                                   {"client_address", Tree::text("forwarded")}}));
  EXPECT_TRUE(r.diagnostics.ok()) << r.all();
  const Settings& settings = r.content.settings;
  EXPECT_TRUE(settings.listen.at(0).proxy_protocol);
  EXPECT_TRUE(settings.trusted_proxies.contains(*parse_address("10.1.2.3")));
  EXPECT_FALSE(settings.trusted_proxies.contains(*parse_address("11.1.2.3")));
  EXPECT_EQ(settings.forwarded_by, ForwardedBy::forwarded);
  const Read everyone =
      listen(Tree::map({{"trusted_proxies", Tree::list({Tree::text("0.0.0.0/0")})}}));
  EXPECT_TRUE(everyone.diagnostics.ok());
  EXPECT_TRUE(everyone.says("everybody may say")) << everyone.all();
  const Read slip =
      listen(Tree::map({{"trusted_proxies", Tree::list({Tree::text("10.1.0.0/8")})}}));
  EXPECT_TRUE(slip.says("access.trusted_proxies")) << slip.all();
}

TEST(Listen, EachMistakeSaysWhereAndWhat) {
  const auto entry = [](ConfigNode node) {
    return Tree::map({{"address", Tree::text("127.0.0.1:1")}, {"tls", std::move(node)}});
  };
  struct Case {
    ConfigNode node;
    const char* says;
  };
  ConfigNode nothing;
  nothing.place = {"etc/davylamp.yaml", 1, 1};
  const Case cases[] = {
      {Tree::map({{"tls", tls()}}), "listen: \"address\" is missing"},
      {Tree::map({{"address", Tree::text("127.0.0.1")}}), "listen: there is no port"},
      {entry(Tree::map({})), "listen.tls: \"certificate\" is missing"},
      {entry(Tree::map({{"certificate", Tree::text("a")}})), "listen.tls: \"key\" is missing"},
      {entry(tls({{"client_ca", Tree::text("")}})), "listen.tls: \"client_ca\" is empty"},
      {entry(nothing), "listen.tls: names no certificate"},
      {entry(Tree::text("server.pem")), "listen.tls: expected a map"},
      {entry(tls({{"clientca", Tree::text("x")}})),
       "unknown key \"clientca\" in listen.tls (did you mean \"client_ca\"?)"},
      {Tree::list({Tree::list({})}), "listen[0]: expected an address or a map with one"},
      {Tree::list({}), "listen: the list is empty"},
      {nothing, "listen: expected an address or a map with one"},
  };
  for (const Case& c : cases) {
    const Read r = read_with("listen", c.node);
    EXPECT_FALSE(r.diagnostics.ok()) << c.says;
    EXPECT_TRUE(r.says(c.says)) << c.says << "\n" << r.all();
  }
}

}  // namespace
}  // namespace davy
