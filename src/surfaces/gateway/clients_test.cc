#include "surfaces/gateway/clients.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace davy::gateway {
namespace {

Address address(const char* text) { return parse_address(text).value(); }

TEST(ClientCounts, BoundsAll) {
  ClientCounts counts;
  EXPECT_TRUE(counts.enter(2));
  EXPECT_TRUE(counts.enter(2));
  EXPECT_FALSE(counts.enter(2));
  EXPECT_EQ(counts.all(), 2u);
  counts.leave();
  EXPECT_TRUE(counts.enter(2));
}

TEST(ClientCounts, BoundsEachClient) {
  ClientCounts counts;
  const Address a = address("192.0.2.1");
  const Address b = address("192.0.2.2");
  EXPECT_TRUE(counts.enter(a, 2));
  EXPECT_TRUE(counts.enter(a, 2));
  EXPECT_FALSE(counts.enter(a, 2));
  EXPECT_TRUE(counts.enter(b, 2));
  counts.leave(a);
  EXPECT_TRUE(counts.enter(a, 2));
  // A bound that became smaller holds for those that come.
  EXPECT_FALSE(counts.enter(b, 1));
  EXPECT_FALSE(counts.enter(address("192.0.2.3"), 0));
}

TEST(ClientCounts, AnIpv6ClientIsItsNetwork) {
  ClientCounts counts;
  EXPECT_TRUE(counts.enter(address("2001:db8:1:2::1"), 1));
  EXPECT_FALSE(counts.enter(address("2001:db8:1:2:ffff::9"), 1));
  EXPECT_TRUE(counts.enter(address("2001:db8:1:3::1"), 1));
  // Not to be taken for an IPv4 client whose bytes begin alike.
  EXPECT_TRUE(counts.enter(address("32.1.13.184"), 1));
}

TEST(ClientCounts, ForgetsWhoIsGone) {
  ClientCounts counts;
  const Address client = address("192.0.2.1");
  {
    CountedClient one(counts, 2);
    EXPECT_TRUE(one.taken());
    EXPECT_TRUE(one.belongs_to(client, 1));
    CountedClient two(counts, 2);
    EXPECT_TRUE(two.taken());
    EXPECT_FALSE(two.belongs_to(client, 1));
    const CountedClient three(counts, 2);
    EXPECT_FALSE(three.taken());
  }
  EXPECT_EQ(counts.all(), 0u);
  EXPECT_TRUE(counts.enter(client, 1));
}

TEST(ClientCounts, ManyThreadsKeepTheBounds) {
  ClientCounts counts;
  std::atomic<int> of_all{0};
  std::atomic<int> of_clients{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (counts.enter(100)) ++of_all;
        const Address client = address(i % 2 == 0 ? "192.0.2.1" : "192.0.2.2");
        if (counts.enter(client, 30)) ++of_clients;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(of_all, 100);
  EXPECT_EQ(of_clients, 60);
  EXPECT_EQ(counts.all(), 100u);
}

}  // namespace
}  // namespace davy::gateway
