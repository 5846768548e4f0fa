#include "pillars/access/keys/key_ring.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "pillars/access/keys/key_record.h"
#include "pillars/access/keys/key_text.h"
#include "pillars/access/keys/testing.h"

namespace davy::access {
namespace {

using testing::KeyHome;
using testing::text;
using Kind = KeyVerdict::Kind;

TEST(KeyRing, KnowsAKeyFromTheMomentItIsMade) {
  KeyHome t;
  const auto made = t.create("support-bot");
  const KeyVerdict verdict = t.ring.check(text(made, "key"), t.clock.now().wall);
  EXPECT_EQ(verdict.kind, Kind::good);
  EXPECT_EQ(verdict.id, text(made, "id"));
  EXPECT_EQ(verdict.experiment, "support-bot");
}

TEST(KeyRing, RefusesWhatIsNoKeyAndKeysOfOthers) {
  KeyHome t;
  const auto made = t.create("support-bot");
  const WallTime now = t.clock.now().wall;
  EXPECT_EQ(t.ring.check("", now).kind, Kind::malformed);
  EXPECT_EQ(t.ring.check("sk-other", now).kind, Kind::malformed);
  EXPECT_EQ(t.ring.check(new_key().expose(), now).kind, Kind::unknown);
  // The right id with another secret, and right check digits.
  const Secret forged = format_key(text(made, "id"), std::string(kKeySecretSize, 'A'));
  const KeyVerdict verdict = t.ring.check(forged.expose(), now);
  EXPECT_EQ(verdict.kind, Kind::unknown);
  EXPECT_TRUE(verdict.id.empty()) << "a guess does not name a key";
}

TEST(KeyRing, RevokedAndExpiredKeysAreToldApart) {
  KeyHome t;
  const auto revoked = t.create("a");
  const auto ends = t.create("b", "2026-11-24");
  ASSERT_TRUE(t.order("key.revoke", R"({"id":")" + text(revoked, "id") + R"("})").ok());
  EXPECT_EQ(t.ring.check(text(revoked, "key"), t.clock.now().wall).kind, Kind::revoked);
  EXPECT_EQ(t.ring.check(text(ends, "key"), t.clock.now().wall).kind, Kind::good);
  t.clock.advance(std::chrono::hours(24));
  const KeyVerdict expired = t.ring.check(text(ends, "key"), t.clock.now().wall);
  EXPECT_EQ(expired.kind, Kind::expired);
  EXPECT_EQ(expired.experiment, "b");
}

TEST(KeyRing, AnotherRingReadsTheSameKeysFromTheStore) {
  KeyHome t;
  const auto made = t.create("support-bot");
  KeyRing other(store::testing::must(open_pepper(t.folder.file("pepper"), *t.store)));
  EXPECT_EQ(other.check(text(made, "key"), t.clock.now().wall).kind, Kind::unknown);
  ASSERT_TRUE(other.reload(*t.store).ok());
  EXPECT_EQ(other.size(), 1u);
  EXPECT_EQ(other.check(text(made, "key"), t.clock.now().wall).kind, Kind::good);
}

TEST(KeyRing, RecordThatCannotBeReadLeavesTheOldTableInForce) {
  KeyHome t;
  const auto made = t.create("support-bot");
  const std::vector<Change> changes = {{kKeysTable, "zzzzzzzzzzzz", "damaged"}};
  ASSERT_TRUE(t.store->apply({0, WallTime(), "test", "v", "k"}, changes).ok());
  EXPECT_FALSE(t.ring.reload(*t.store).ok());
  EXPECT_EQ(t.ring.check(text(made, "key"), t.clock.now().wall).kind, Kind::good);
}

TEST(KeyRing, RecordUnderAnotherIdIsRefused) {
  KeyHome t;
  const auto made = t.create("support-bot");
  const auto record = store::testing::must(t.store->get(kKeysTable, text(made, "id")));
  const std::vector<Change> changes = {{kKeysTable, "zzzzzzzzzzzz", record}};
  ASSERT_TRUE(t.store->apply({0, WallTime(), "test", "v", "k"}, changes).ok());
  EXPECT_FALSE(t.ring.reload(*t.store).ok());
}

TEST(KeyRing, DatabaseAloneHoldsNothingThatOpensADoor) {
  KeyHome t;
  const auto made = t.create("support-bot");
  const std::string key = text(made, "key");
  std::string all;
  for (const char* table : {kKeysTable, kAccessTable}) {
    ASSERT_TRUE(t.store->scan(table, [&](auto id, auto value) { (all += id) += value; }).ok());
  }
  for (const Order& order : store::testing::must(t.store->orders_after(0, 100))) {
    all += order.actor + order.verb + order.subject;
  }
  EXPECT_EQ(all.find(parse_key(key)->secret), std::string::npos);
  EXPECT_EQ(all.find(t.ring.pepper().bytes.expose()), std::string::npos);
  EXPECT_NE(all.find(t.ring.hmac_hex(key)), std::string::npos);
}

}  // namespace
}  // namespace davy::access
