#include "mechanisms/net/proxy_settings.h"

#include <gtest/gtest.h>

#include <map>

namespace davy::net {
namespace {

TEST(NoProxy, Table) {
  struct Case {
    const char* list;
    const char* host;
    std::uint16_t port;
    bool covered;
  };
  const Case cases[] = {
      {"", "a.example", 443, false},
      {"*", "a.example", 443, true},
      {"x.example, *", "a.example", 443, true},
      {"example.com", "example.com", 443, true},
      {"example.com", "EXAMPLE.com", 443, true},
      {"EXAMPLE.COM", "example.com.", 443, true},
      {"example.com", "api.example.com", 443, true},
      {"example.com", "notexample.com", 443, false},
      {"example.com", "example.com.evil", 443, false},
      {".example.com", "api.example.com", 443, true},
      {".example.com", "example.com", 443, true},  // as curl; Go says no
      {"*.example.com", "api.example.com", 443, true},
      {"a.example b.example", "b.example", 80, true},
      {"a.example,,b.example,", "b.example", 80, true},
      {"example.com:8080", "example.com", 8080, true},
      {"example.com:8080", "api.example.com", 8080, true},
      {"example.com:8080", "example.com", 443, false},
      {"10.0.0.0/8", "10.1.2.3", 80, true},
      {"10.0.0.0/8", "11.1.2.3", 80, false},
      {"10.0.0.0/8", "ten.example", 80, false},
      {"10.1.2.3", "10.1.2.3", 80, true},
      {"10.1.2.3:80", "10.1.2.3", 443, false},
      {"10.1.2.3:80", "10.1.2.3", 80, true},
      {"2001:db8::/32", "2001:db8::7", 443, true},
      {"2001:db8::7", "2001:db8:0::7", 443, true},
      {"[2001:db8::7]:443", "2001:db8::7", 443, true},
      {"[2001:db8::7]:443", "2001:db8::7", 80, false},
      {"[2001:db8::7]", "2001:db8::7", 80, true},
      {"::ffff:10.1.2.3", "10.1.2.3", 80, true},
      {".", "a.example", 80, false},
      {"10.0.0.0/33", "10.0.0.1", 80, false},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(NoProxy(each.list).covers(each.host, each.port), each.covered)
        << each.list << " | " << each.host << ":" << each.port;
  }
}

using Variables = std::map<std::string, std::string>;
Result<ProxySettings> settings(const Variables& variables) {
  return ProxySettings::read([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}
UpstreamUrl url(const char* text) { return *parse_upstream_url(text); }

TEST(ProxySettings, EachSchemeHasItsOwn) {
  const auto read = settings({{"HTTP_PROXY", "http://plain.example:3128"},
                              {"HTTPS_PROXY", "secure.example:8080/"},
                              {"NO_PROXY", "direct.example"}});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->proxy_for(url("http://a.example"))->authority(), "plain.example:3128");
  EXPECT_EQ(read->proxy_for(url("https://a.example"))->authority(), "secure.example:8080");
  EXPECT_TRUE(read->proxy_for(url("https://a.example"))->authorization.empty());
  EXPECT_EQ(read->proxy_for(url("https://api.direct.example")), nullptr);
  EXPECT_EQ(settings({})->proxy_for(url("https://a.example")), nullptr);
  EXPECT_EQ(settings({{"HTTP_PROXY", "a:1"}})->proxy_for(url("https://a.example")), nullptr);
}

TEST(ProxySettings, TheSmallLetterNameWins) {
  const auto read = settings({{"HTTP_PROXY", "big.example:1"}, {"http_proxy", "small.example:2"}});
  EXPECT_EQ(read->proxy_for(url("http://a.example"))->authority(), "small.example:2");
  const auto empty = settings({{"HTTP_PROXY", "big.example:1"}, {"http_proxy", ""}});
  EXPECT_EQ(empty->proxy_for(url("http://a.example"))->authority(), "big.example:1");
}

TEST(ProxySettings, LoopbackNeverGoesThroughAProxy) {
  const auto read = settings({{"HTTP_PROXY", "p.example:1"}, {"HTTPS_PROXY", "p.example:1"}});
  for (const char* text : {"http://127.0.0.1:9001", "http://127.9.9.9", "http://localhost:1",
                           "https://localhost", "http://[::1]:1", "unix:/run/m.sock"}) {
    EXPECT_EQ(read->proxy_for(url(text)), nullptr) << text;
  }
  EXPECT_NE(read->proxy_for(url("http://128.0.0.1")), nullptr);
}

TEST(ProxySettings, ALoginBecomesAField) {
  const auto read = settings({{"HTTP_PROXY", "http://Aladdin:open%20sesame@[2001:db8::1]:3128"}});
  ASSERT_TRUE(read.ok());
  const Proxy* proxy = read->proxy_for(url("http://a.example"));
  EXPECT_EQ(proxy->authority(), "[2001:db8::1]:3128");
  EXPECT_EQ(proxy->authorization.expose(),
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");  // RFC 7617
  const auto at = settings({{"HTTP_PROXY", "http://u:p@ss:w@p.example"}});
  EXPECT_EQ(at->proxy_for(url("http://a.example"))->authority(), "p.example:80");
}

TEST(ProxySettings, WhatWeCannotSpeakIsRefusedWithoutEcho) {
  for (const char* bad : {"https://hunter2.example:1", "socks5://u:hunter2@p:1", "http://",
                          "http://u:hunter2@", "http://u:%zz-hunter2@p", "p:0", "p:hunter2",
                          "http://p/hunter2", "unix:/hunter2", "http://u%3Ahunter2:x@p"}) {
    const auto read = settings({{"HTTPS_PROXY", bad}});
    ASSERT_FALSE(read.ok()) << bad;
    EXPECT_EQ(read.error().text().find("hunter2"), std::string::npos) << read.error().text();
    EXPECT_NE(read.error().text().find("HTTPS_PROXY"), std::string::npos);
    EXPECT_FALSE(read.error().hint.empty());
  }
}

}  // namespace
}  // namespace davy::net
