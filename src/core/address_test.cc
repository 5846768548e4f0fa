#include "core/address.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

Address address(std::string_view text) { return parse_address(text).value(); }

AddressSet set(std::initializer_list<std::string_view> blocks) {
  AddressSet out;
  for (const std::string_view block : blocks) EXPECT_TRUE(out.add(block).ok()) << block;
  return out;
}

TEST(Address, HasOneTextForm) {
  EXPECT_EQ(address("192.0.2.7").text(), "192.0.2.7");
  EXPECT_EQ(address("2001:DB8:0:0:0:0:0:1").text(), "2001:db8::1");
  EXPECT_EQ(address("::ffff:192.0.2.7").text(), "192.0.2.7");
  EXPECT_EQ(address("::ffff:c000:0207"), address("192.0.2.7"));
  EXPECT_EQ(Address::local().text(), "unix");
  EXPECT_EQ(Address().text(), "unknown");
}

TEST(Address, RefusesWhatOthersReadOtherwise) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "192.0.2"sv, "0300.0.2.7"sv, "192.0.2.256"sv, "192.0.2.7 "sv, " 192.0.2.7"sv,
        "192.0.2.7:80"sv, "[2001:db8::1]"sv, "fe80::1%eth0"sv, "2001:db8::1::2"sv, "unix"sv,
        "192.0.2.7\0"sv, "example.com"sv, "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"sv}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(address("127.9.9.9").loopback());
  EXPECT_TRUE(address("::1").loopback());
  EXPECT_TRUE(address("::ffff:127.0.0.1").loopback());
  EXPECT_TRUE(Address::local().loopback());
  EXPECT_FALSE(address("128.0.0.1").loopback());
  EXPECT_FALSE(address("100::1").loopback());
  EXPECT_FALSE(address("::2").loopback());
  EXPECT_FALSE(address("::").loopback());
  EXPECT_FALSE(Address().loopback());
}

TEST(AddressSet, HoldsBlocksToTheBit) {
  const AddressSet blocks = set({"10.0.0.0/8", "192.0.2.128/25", "203.0.113.7", "2001:db8::/33"});
  for (const char* text : {"10.255.0.1", "192.0.2.128", "192.0.2.255", "203.0.113.7", "2001:db8::9",
                           "2001:db8:7fff::1", "::ffff:10.1.1.1"}) {
    EXPECT_TRUE(blocks.contains(address(text))) << text;
  }
  for (const char* text : {"11.0.0.0", "9.255.255.255", "192.0.2.127", "203.0.113.6",
                           "2001:db8:8000::1", "2001:db7::1", "::10.1.1.1"}) {
    EXPECT_FALSE(blocks.contains(address(text))) << text;
  }
  EXPECT_FALSE(blocks.contains(Address::local()));
  EXPECT_FALSE(blocks.contains(Address()));
}

TEST(AddressSet, EveryoneOfOneFamilyIsNobodyOfTheOther) {
  const AddressSet v6 = set({"::/0"});
  EXPECT_TRUE(v6.contains(address("2001:db8::1")));
  EXPECT_FALSE(v6.contains(address("192.0.2.7")));
  EXPECT_TRUE(v6.has_everyone());
  EXPECT_FALSE(set({"10.0.0.0/8"}).has_everyone());
  // IPv4 as a mapped block is IPv4.
  const AddressSet v4 = set({"::ffff:0:0/96"});
  EXPECT_TRUE(v4.contains(address("192.0.2.7")));
  EXPECT_FALSE(v4.contains(address("2001:db8::1")));
  EXPECT_TRUE(v4.has_everyone());
  EXPECT_TRUE(set({"::ffff:10.0.0.0/104"}).contains(address("10.2.3.4")));
}

TEST(AddressSet, UnixIsOnlyWhoIsNamed) {
  EXPECT_TRUE(set({"unix"}).contains(Address::local()));
  EXPECT_FALSE(set({"0.0.0.0/0", "::/0"}).contains(Address::local()));
  EXPECT_TRUE(AddressSet().empty());
  EXPECT_FALSE(set({"unix"}).empty());
}

TEST(AddressSet, SaysWhatIsWrong) {
  AddressSet blocks;
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/8/8", "2001:db8::/129",
        "::ffff:10.0.0.0/8", "example.com", "10.0.0.0-10.1.0.0", "Unix"}) {
    EXPECT_FALSE(blocks.add(text).ok()) << text;
  }
  const auto slip = blocks.add("10.1.2.3/8");
  ASSERT_FALSE(slip.ok());
  EXPECT_NE(slip.error().hint.find("first address"), std::string::npos);
  EXPECT_TRUE(blocks.empty());
}

}  // namespace
}  // namespace davy
