#include "mechanisms/net/client_address/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace davy::net {
namespace {

constexpr char kProxy[] = "10.0.0.1";

AddressSet proxies() {
  AddressSet out;
  EXPECT_TRUE(out.add("10.0.0.0/8").ok());
  EXPECT_TRUE(out.add("fd00::/8").ok());
  return out;
}

std::string found(ForwardedBy form, std::vector<std::string_view> lines,
                  const std::string& peer = kProxy) {
  return client_of(parse_address(peer).value(), lines, form, proxies()).text();
}

std::string listed(std::vector<std::string_view> lines, const std::string& peer = kProxy) {
  return found(ForwardedBy::x_forwarded_for, std::move(lines), peer);
}

std::string forwarded(std::vector<std::string_view> lines, const std::string& peer = kProxy) {
  return found(ForwardedBy::forwarded, std::move(lines), peer);
}

TEST(ForwardedFor, IsBelievedFromTrustedPeersOnly) {
  EXPECT_EQ(listed({"203.0.113.9"}), "203.0.113.9");
  EXPECT_EQ(listed({"203.0.113.9"}, "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(listed({}), kProxy);
  EXPECT_EQ(listed({"", " ,, \t,"}), kProxy);
  EXPECT_EQ(client_of(Address(), std::vector<std::string_view>{"203.0.113.9"},
                      ForwardedBy::x_forwarded_for, proxies()),
            Address());
}

TEST(ForwardedFor, ClientsOverAUnixSocketNeedTrustToo) {
  const std::vector<std::string_view> lines{"203.0.113.9"};
  AddressSet trusted;
  EXPECT_EQ(client_of(Address::local(), lines, ForwardedBy::x_forwarded_for, trusted).text(),
            "unix");
  ASSERT_TRUE(trusted.add("unix").ok());
  EXPECT_EQ(client_of(Address::local(), lines, ForwardedBy::x_forwarded_for, trusted).text(),
            "203.0.113.9");
}

TEST(ForwardedFor, IsWalkedFromTheRightPastTrustedHops) {
  EXPECT_EQ(listed({"1.1.1.1, 203.0.113.9, 10.2.2.2, 10.3.3.3"}), "203.0.113.9");
  EXPECT_EQ(listed({"1.1.1.1", "203.0.113.9 ,10.2.2.2", "10.3.3.3,"}), "203.0.113.9");
  EXPECT_EQ(listed({"10.9.9.9, 10.3.3.3"}), "10.9.9.9");  // all trusted: the farthest
  EXPECT_EQ(listed({"203.0.113.9, ::ffff:10.3.3.3"}), "203.0.113.9");
}

TEST(ForwardedFor, ReadsWhatProxiesWrite) {
  EXPECT_EQ(listed({"203.0.113.9:51234"}), "203.0.113.9");
  EXPECT_EQ(listed({"2001:DB8::1"}), "2001:db8::1");
  EXPECT_EQ(listed({"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(listed({"[2001:db8::1]:443"}), "2001:db8::1");
  EXPECT_EQ(listed({"203.0.113.9"}, "fd00::7"), "203.0.113.9");
}

TEST(ForwardedFor, WhatIsMalformedGivesTheLastTrustedHop) {
  for (const std::string_view text :
       {"unknown", "203.0.113.9.", "203.0.113.999", "203.0.113.9:", "203.0.113.9:99999",
        "203.0.113.9:x", "[203.0.113.9]", "[2001:db8::1", "2001:db8::1]", "[2001:db8::1]x", "[]",
        "[", ":", "<script>", "'; DROP TABLE", "203.0.113.9 10.1.1.1", "\"203.0.113.9\"",
        "fe80::1%eth0", "203.0.113.9:123456"}) {
    EXPECT_EQ(listed({text}), kProxy) << text;
    const std::string behind = std::string(text) + ", 10.4.4.4";
    EXPECT_EQ(listed({behind}), "10.4.4.4") << text;
  }
}

TEST(ForwardedFor, WhatTheClientWroteChangesNothing) {
  for (const std::string text : {"evil", "\"", "\\", "for=\"", "\",", ",,,", "10.5.5.5", "\"\\"}) {
    EXPECT_EQ(listed({text + ", 203.0.113.9"}), "203.0.113.9") << text;
    EXPECT_EQ(listed({text, "203.0.113.9, 10.2.2.2"}), "203.0.113.9") << text;
    EXPECT_EQ(forwarded({text + ", for=203.0.113.9"}), "203.0.113.9") << text;
    EXPECT_EQ(forwarded({text + ", for=\"[2001:db8::1]:80\";by=\"a,b\";host=\"c\\\"d\""}),
              "2001:db8::1")
        << text;
  }
}

TEST(ForwardedFor, FollowsABoundedNumberOfHops) {
  std::string list = "203.0.113.9";
  for (std::size_t i = 1; i < kMaxHops; ++i) list += ", 10.0.0.7";
  EXPECT_EQ(listed({list}), "203.0.113.9");
  EXPECT_EQ(listed({list + ", 10.0.0.7"}), "10.0.0.7");
}

TEST(Forwarded, ReadsTheForms) {
  EXPECT_EQ(forwarded({"for=203.0.113.9"}), "203.0.113.9");
  EXPECT_EQ(forwarded({"For=\"203.0.113.9:47011\""}), "203.0.113.9");
  EXPECT_EQ(forwarded({"for=\"[2001:db8:cafe::17]:4711\""}), "2001:db8:cafe::17");
  EXPECT_EQ(forwarded({"proto=http;for=203.0.113.9;by=10.0.0.2"}), "203.0.113.9");
  EXPECT_EQ(forwarded({";for=203.0.113.9;;proto=https;"}), "203.0.113.9");
  EXPECT_EQ(forwarded({"for=\"203.0.113.9:_port1\""}), "203.0.113.9");
  EXPECT_EQ(forwarded({"for=\"203.\\0.113.9\""}), "203.0.113.9");  // a quoted-pair
  EXPECT_EQ(forwarded({"for=1.1.1.1", "for=203.0.113.9;host=\"a,b\", for=10.2.2.2"}),
            "203.0.113.9");
}

TEST(Forwarded, WhatIsMalformedOrHiddenGivesTheLastTrustedHop) {
  const std::string long_value = "for=" + std::string(65, '1');
  for (const std::string_view text : {std::string_view("203.0.113.9"),
                                      std::string_view("for"),
                                      std::string_view("for="),
                                      std::string_view("for=\"\""),
                                      std::string_view("for=unknown"),
                                      std::string_view("for=_hidden"),
                                      std::string_view("for=203.0.113.9;for=203.0.113.8"),
                                      std::string_view("for =203.0.113.9"),
                                      std::string_view("for= 203.0.113.9"),
                                      std::string_view("for=203.0.113.9;"
                                                       " proto=http"),
                                      std::string_view("for=[2001:db8::1]"),
                                      std::string_view("for=\"2001:db8::1\""),
                                      std::string_view("for=\"[203.0.113.9]\""),
                                      std::string_view("for=\"203.0.113.9"),
                                      std::string_view("for=\"203.0.113.9\\"),
                                      std::string_view("for=\"203.0.113.9\"x"),
                                      std::string_view("for=\"203.0.113.9:_\""),
                                      std::string_view("proto=https"),
                                      std::string_view("=203.0.113.9"),
                                      std::string_view(long_value)}) {
    EXPECT_EQ(forwarded({text}), kProxy) << text;
  }
}

TEST(Forwarded, AnOpenQuotationHidesNothing) {
  // Read from the left, the quotation would swallow what the proxy appended.
  EXPECT_EQ(forwarded({"for=\"x, for=203.0.113.9"}), "203.0.113.9");
}

TEST(TakeLastElement, SplitsAsTheGrammarDoes) {
  std::string_view list = " a ,b=\"c,\\\"d,\" ,, e\t";
  EXPECT_EQ(take_last_element(list), "e");
  EXPECT_EQ(take_last_element(list), "");
  EXPECT_EQ(take_last_element(list), "b=\"c,\\\"d,\"");
  EXPECT_EQ(take_last_element(list), "a");
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(take_last_element(list), "");
}

}  // namespace
}  // namespace davy::net
