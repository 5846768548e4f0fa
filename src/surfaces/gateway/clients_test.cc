#include "surfaces/gateway/clients.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace davy::gateway {
namespace {

using Verdict = ClientCounts::Verdict;

Address address(const char* text) { return parse_address(text).value(); }

TEST(ClientCounts, BoundsAllAndEachClient) {
  ClientCounts counts;
  const ClientCounts::Bounds bounds{.all = 3, .of_client = 2};
  const Address a = address("192.0.2.1");
  const Address b = address("192.0.2.2");
  EXPECT_EQ(counts.enter(a, true, bounds), Verdict::taken);
  EXPECT_EQ(counts.enter(a, true, bounds), Verdict::taken);
  EXPECT_EQ(counts.enter(a, true, bounds), Verdict::too_many_of_client);
  EXPECT_EQ(counts.enter(b, true, bounds), Verdict::taken);
  EXPECT_EQ(counts.enter(b, true, bounds), Verdict::too_many);
  EXPECT_EQ(counts.all(), 3u);
  counts.leave(a, true);
  EXPECT_EQ(counts.enter(a, true, bounds), Verdict::taken);
}

TEST(ClientCounts, AProxyIsManyClients) {
  ClientCounts counts;
  const ClientCounts::Bounds bounds{.all = 3, .of_client = 1};
  const Address proxy = address("10.0.0.1");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(counts.enter(proxy, false, bounds), Verdict::taken);
  EXPECT_EQ(counts.enter(proxy, false, bounds), Verdict::too_many);
}

TEST(ClientCounts, AnIpv6ClientIsItsNetwork) {
  ClientCounts counts;
  const ClientCounts::Bounds bounds{.of_client = 1};
  EXPECT_EQ(counts.enter(address("2001:db8:1:2::1"), true, bounds), Verdict::taken);
  EXPECT_EQ(counts.enter(address("2001:db8:1:2:ffff::9"), true, bounds),
            Verdict::too_many_of_client);
  EXPECT_EQ(counts.enter(address("2001:db8:1:3::1"), true, bounds), Verdict::taken);
  // Not to be taken for an IPv4 client whose bytes begin alike.
  EXPECT_EQ(counts.enter(address("32.1.13.184"), true, bounds), Verdict::taken);
}

TEST(ClientCounts, ForgetsWhoIsGone) {
  ClientCounts counts;
  {
    const CountedClient one(counts, address("192.0.2.1"), true, {.all = 1});
    EXPECT_EQ(one.verdict(), Verdict::taken);
    const CountedClient two(counts, address("192.0.2.1"), true, {.all = 1});
    EXPECT_EQ(two.verdict(), Verdict::too_many);
  }
  EXPECT_EQ(counts.all(), 0u);
}

TEST(ClientCounts, ManyThreadsKeepTheBounds) {
  ClientCounts counts;
  const ClientCounts::Bounds bounds{.all = 100, .of_client = 30};
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const Address client = address(i % 2 == 0 ? "192.0.2.1" : "192.0.2.2");
        if (counts.enter(client, true, bounds) == Verdict::taken) ++taken;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(taken, 60);
  EXPECT_EQ(counts.all(), 60u);
}

}  // namespace
}  // namespace davy::gateway
