#include "mechanisms/net/name_cache.h"

#include <gtest/gtest.h>

namespace davy::net {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kStart = SteadyTime{24h};

Addresses addresses(std::vector<const char*> texts) {
  Addresses out;
  for (const char* text : texts) out.push_back(*parse_address(text));
  return out;
}

TEST(NameCache, AnAnswerIsFreshForAWhileAndUsedWhileTheNextIsAskedFor) {
  NameCache cache;
  EXPECT_TRUE(cache.look("a", kStart).wants_asking);
  cache.asking("a");
  EXPECT_FALSE(cache.look("a", kStart).wants_asking) << "one question at a time";
  EXPECT_TRUE(cache.look("a", kStart).asked);
  EXPECT_FALSE(cache.put("a", addresses({"192.0.2.1"}), kStart)) << "there was nothing before";
  const auto fresh = cache.look("a", kStart + NameCache::kFresh - 1ns);
  EXPECT_EQ(fresh.addresses, addresses({"192.0.2.1"}));
  EXPECT_FALSE(fresh.wants_asking);
  const auto old = cache.look("a", kStart + NameCache::kFresh);
  EXPECT_EQ(old.addresses, addresses({"192.0.2.1"}));
  EXPECT_TRUE(old.wants_asking);
}

TEST(NameCache, TheLastGoodAnswerStaysWhileAskingFails) {
  NameCache cache;
  (void)cache.put("a", addresses({"192.0.2.1"}), kStart);
  SteadyTime now = kStart + NameCache::kFresh;
  for (int i = 0; i < 3; ++i) {
    cache.asking("a");
    EXPECT_FALSE(cache.put("a", unavailable("the resolver is down"), now));
    const auto known = cache.look("a", now);
    EXPECT_EQ(known.addresses, addresses({"192.0.2.1"}));
    EXPECT_EQ(known.trouble, "the resolver is down");
    EXPECT_FALSE(known.wants_asking);
    now += NameCache::kRetry;
    EXPECT_TRUE(cache.look("a", now).wants_asking);
  }
  EXPECT_FALSE(cache.put("a", Addresses{}, now));
  EXPECT_FALSE(cache.look("a", now).addresses.empty());
  EXPECT_TRUE(cache.put("a", addresses({"192.0.2.2"}), now));
  EXPECT_EQ(cache.look("a", now).trouble, "");
}

TEST(NameCache, TellsOtherAddressesFromAnotherOrder) {
  NameCache cache;
  EXPECT_FALSE(cache.put("a", addresses({"192.0.2.1", "192.0.2.2"}), kStart));
  EXPECT_FALSE(cache.put("a", addresses({"192.0.2.2", "192.0.2.1"}), kStart));
  EXPECT_TRUE(cache.put("a", addresses({"192.0.2.2"}), kStart));
  EXPECT_TRUE(cache.put("a", addresses({"192.0.2.2", "192.0.2.3"}), kStart));
  EXPECT_TRUE(cache.put("a", addresses({"192.0.2.3", "192.0.2.3"}), kStart));
}

TEST(TakeTurns, TheFamiliesAlternateFromTheFirst) {
  EXPECT_EQ(take_turns(addresses({"2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1"})),
            addresses({"2001:db8::1", "192.0.2.1", "2001:db8::2", "2001:db8::3"}));
  EXPECT_EQ(take_turns(addresses({"192.0.2.1", "192.0.2.2", "2001:db8::1"})),
            addresses({"192.0.2.1", "2001:db8::1", "192.0.2.2"}));
  EXPECT_TRUE(take_turns({}).empty());
}

}  // namespace
}  // namespace davy::net
