#include "core/upstream.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

TEST(UpstreamUrl, IsReadInItsParts) {
  const auto plain = parse_upstream_url("http://127.0.0.1:9001/v1");
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 9001);
  EXPECT_EQ(plain->base_path, "/v1");
  EXPECT_EQ(plain->authority(), "127.0.0.1:9001");

  const auto tls = parse_upstream_url("HTTPS://API.Example.com");
  ASSERT_TRUE(tls.ok());
  EXPECT_TRUE(tls->tls);
  EXPECT_EQ(tls->authority(), "api.example.com:443");
  EXPECT_EQ(tls->base_path, "");
}

TEST(UpstreamUrl, KnowsIPv6) {
  const auto url = parse_upstream_url("http://[2001:DB8:0::1]:8080/a/b/");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->authority(), "[2001:db8::1]:8080");
  EXPECT_EQ(url->base_path, "/a/b");
  EXPECT_EQ(parse_upstream_url("http://[::1]")->port, 80);
}

TEST(UpstreamUrl, KnowsUnixSocketsAsNginxWritesThem) {
  for (const std::string_view text : {"unix:/run/m.sock:/v1", "http://unix:/run/m.sock:/v1/"}) {
    const auto url = parse_upstream_url(text);
    ASSERT_TRUE(url.ok()) << text;
    EXPECT_EQ(url->socket, "/run/m.sock");
    EXPECT_EQ(url->base_path, "/v1");
    EXPECT_EQ(url->authority(), "unix:/run/m.sock");
    EXPECT_EQ(url->host_field(), "localhost");
    EXPECT_TRUE(url->loopback());
  }
  EXPECT_EQ(parse_upstream_url("unix:/run/m.sock")->base_path, "");
  for (const std::string_view bad :
       {"unix:", "unix:/", "unix:m.sock", "unix:/run/", "unix:/run/m sock", "unix:/run/m:v1",
        "unix:/run/m:/../x", "https://unix:/run/m.sock", "unix://run/m%2fx", "http+unix:/run/m"}) {
    EXPECT_FALSE(parse_upstream_url(bad).ok()) << bad;
  }
  EXPECT_FALSE(parse_upstream_url("unix:/" + std::string(107, 'a')).ok());
}

TEST(Upstream, AzureHasTheDeploymentInThePathAndTheVersionInTheQuery) {
  Upstream upstream;
  upstream.url = *parse_upstream_url("https://x.example/v1");
  EXPECT_EQ(upstream.target("/chat/completions"), "/v1/chat/completions");
  upstream.url.base_path = "";
  upstream.azure = AzureRoute{"gpt-4o", "2024-10-21", false};
  EXPECT_EQ(upstream.target("/chat/completions"),
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21");
}

TEST(UpstreamUrl, TheHostFieldLeavesTheUsualPortOut) {
  EXPECT_EQ(parse_upstream_url("https://a.example")->host_field(), "a.example");
  EXPECT_EQ(parse_upstream_url("https://a.example:80")->host_field(), "a.example:80");
  EXPECT_EQ(parse_upstream_url("http://[::1]:80")->host_field(), "[::1]");
  EXPECT_EQ(parse_upstream_url("http://[::1]:443")->host_field(), "[::1]:443");
}

TEST(UpstreamUrl, KnowsWhatStaysOnThisMachine) {
  for (const char* text : {"http://localhost", "http://127.9.9.9:1", "http://[::1]", "unix:/a"}) {
    EXPECT_TRUE(parse_upstream_url(text)->loopback()) << text;
  }
  for (const char* text : {"http://127.example.com", "http://128.0.0.1", "http://[::2]"}) {
    EXPECT_FALSE(parse_upstream_url(text)->loopback()) << text;
  }
}

TEST(UpstreamUrl, ASlashAloneIsNoPath) {
  EXPECT_EQ(parse_upstream_url("http://host/")->base_path, "");
}

TEST(UpstreamUrl, RefusesEverythingElse) {
  for (const std::string_view bad : {"",
                                     "host",
                                     "host:80",
                                     "//host",
                                     "ftp://host",
                                     "http:/host",
                                     "http://",
                                     "http://:80",
                                     "http:///v1",
                                     "http://host:",
                                     "http://host:0",
                                     "http://host:65536",
                                     "http://host:8x",
                                     "http://host:-1",
                                     "http://u:p@host",
                                     "http://host?x=1",
                                     "http://host/#f",
                                     "http://ho st",
                                     "http://host/a b",
                                     "http://host/a%2fb",
                                     "http://host/../x",
                                     "http://host/a//b",
                                     "http://host/a/./b",
                                     "http://[::1",
                                     "http://[::1]x",
                                     "http://[host]",
                                     "http://::1",
                                     "http://a..b",
                                     "http://-a",
                                     "http://h\xc3\xb6st",
                                     "http://host\\@evil",
                                     "http://host//",
                                     "http://host\n"}) {
    const auto url = parse_upstream_url(bad);
    ASSERT_FALSE(url.ok()) << bad;
    EXPECT_FALSE(url.error().hint.empty()) << bad;
  }
  EXPECT_FALSE(parse_upstream_url("http://" + std::string(3000, 'a')).ok());
  EXPECT_FALSE(parse_upstream_url("http://" + std::string(254, 'a')).ok());
}

TEST(UpstreamUrl, AnErrorDoesNotRepeatThePassword) {
  for (const std::string_view bad : {"http://user:geheim@host", "http://geheim:x", "geheim"}) {
    EXPECT_EQ(parse_upstream_url(bad).error().text().find("geheim"), std::string::npos) << bad;
  }
}

TEST(CredentialRef, KnowsItsForms) {
  using Kind = CredentialRef::Kind;
  EXPECT_EQ(parse_credential_ref("none")->kind, Kind::none);
  const auto env = parse_credential_ref("env:OPENAI_API_KEY");
  EXPECT_EQ(env->kind, Kind::environment);
  EXPECT_EQ(env->name, "OPENAI_API_KEY");
  const auto file = parse_credential_ref("file:secrets/open ai");
  EXPECT_EQ(file->kind, Kind::file);
  EXPECT_EQ(file->name, "secrets/open ai");
  const auto mounted = parse_credential_ref("kubernetes:/var/run/secrets/openai/api.key");
  EXPECT_EQ(mounted->kind, Kind::kubernetes);
  EXPECT_EQ(mounted->name, "/var/run/secrets/openai/api.key");
}

TEST(CredentialRef, RefusesWhatMayBeACredentialWithoutRepeatingIt) {
  for (const std::string_view bad :
       {"", "None", "sk-geheim", "env:", "env:sk-geheim", "env:1GEHEIM", "ENV:geheim",
        "file:", "file:geheim\n", "kubernetes:geheim", "kubernetes:/geheim", "kubernetes:dir/",
        "kubernetes:dir/..", "vault:geheim", "env", "file", "kubernetes"}) {
    const auto ref = parse_credential_ref(bad);
    ASSERT_FALSE(ref.ok()) << bad;
    EXPECT_EQ(ref.error().text().find("geheim"), std::string::npos) << bad;
    EXPECT_NE(ref.error().hint.find("env:NAME"), std::string::npos);
  }
}

}  // namespace
}  // namespace davy
