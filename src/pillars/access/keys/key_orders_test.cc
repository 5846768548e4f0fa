#include "pillars/access/keys/key_orders.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "pillars/access/keys/key_text.h"
#include "pillars/access/keys/testing.h"

namespace davy::access {
namespace {

using store::testing::must;
using testing::KeyHome;
using testing::text;
namespace json = boost::json;

json::array listed(KeyHome& t) {
  return json::parse(must(t.order("key.list", "{}"))).as_object().at("keys").as_array();
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(KeyOrders, CreateGivesTheKeyOnceAndRecordsWhoMadeIt) {
  KeyHome t;
  const auto made =
      json::parse(must(t.order("key.create", R"({"experiment":"bot","note":"n","expires":"90d"})")))
          .as_object();
  EXPECT_TRUE(parse_key(text(made, "key")).has_value());
  EXPECT_EQ(text(made, "experiment"), "bot");
  EXPECT_EQ(text(made, "created"), "2026-11-24T00:00:00.000Z");
  EXPECT_EQ(text(made, "expires"), "2027-02-22");
  const json::array keys = listed(t);
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(text(keys[0].as_object(), "created_by"), "cli uid 7");
  EXPECT_EQ(text(keys[0].as_object(), "state"), "active");
  const std::string all = json::serialize(keys);
  EXPECT_FALSE(holds(all, std::string(parse_key(text(made, "key"))->secret)));
  EXPECT_FALSE(holds(all, "hmac"));
  const auto orders = must(t.store->orders_after(0, 10));
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].subject, text(made, "id"));
}

TEST(KeyOrders, CreateRefusesWhatMakesNoSense) {
  KeyHome t;
  for (const char* arguments :
       {"{}", "[]", "x", R"({"experiment":""})", R"({"experiment":"a b"})",
        R"({"experiment":"a/../b"})", R"({"experiment":7})", R"({"experiment":"a","colour":"x"})",
        R"({"experiment":"a","note":"two\nlines"})", R"({"experiment":"a","note":"\u001b[2J"})",
        R"({"experiment":"a","expires":"tomorrow"})", R"({"experiment":"a","expires":"0d"})",
        R"({"experiment":"a","expires":"9999d"})", R"({"experiment":"a","expires":"2026-11-23"})",
        R"({"experiment":"a","expires":"2027-02-30"})"}) {
    const auto made = t.order("key.create", arguments);
    ASSERT_FALSE(made.ok()) << arguments;
    EXPECT_EQ(made.error().kind, ErrorKind::invalid_input) << arguments;
  }
  EXPECT_FALSE(
      t.order("key.create", R"({"experiment":"a","note":")" + std::string(201, 'n') + R"("})")
          .ok());
  EXPECT_FALSE(t.order("key.create", R"({"experiment":")" + std::string(129, 'e') + R"("})").ok());
  EXPECT_TRUE(listed(t).empty());
  EXPECT_TRUE(t.order("key.create", R"({"experiment":"a","expires":"2026-11-24"})").ok())
      << "today is a day on which it serves";
}

TEST(KeyOrders, RevokeIsInForceAtOnceAndOnlyOnce) {
  KeyHome t;
  const auto made = t.create("bot");
  const std::string id = text(made, "id");
  ASSERT_TRUE(t.order("key.revoke", R"({"id":")" + id + R"(","reason":"leaked"})").ok());
  Principal principal;
  principal.key_id = id;
  const auto standing = t.control.standing(principal, "");
  ASSERT_TRUE(standing.has_value()) << "streams in flight stop";
  EXPECT_EQ(standing->kind, Containment::Kind::revoked);
  EXPECT_EQ(text(listed(t)[0].as_object(), "state"), "revoked");
  const auto again = t.order("key.revoke", R"({"id":")" + id + R"("})");
  ASSERT_FALSE(again.ok());
  EXPECT_TRUE(holds(again.error().message, "already")) << again.error().text();
}

TEST(KeyOrders, AServerThatWasRelievedFollowsWhatTheOtherOneDoes) {
  KeyHome t;
  const auto old = t.create("bot");
  LiveControl control;
  KeyRing ring(must(open_pepper(t.ring.pepper().path, *t.store)));
  ASSERT_TRUE(ring.reload(*t.store).ok());
  KeyOrders relieved(ring, control);
  const std::uint64_t before = must(t.store->last_order());
  EXPECT_EQ(must(relieved.follow(*t.store, before)), before);

  const auto fresh = t.create("bot");
  ASSERT_TRUE(t.order("key.revoke", R"({"id":")" + text(old, "id") + R"("})").ok());
  EXPECT_EQ(must(relieved.follow(*t.store, before)), before + 2);
  Principal principal;
  principal.key_id = text(old, "id");
  EXPECT_TRUE(control.standing(principal, "").has_value()) << "streams in flight stop";
  EXPECT_EQ(ring.check(text(old, "key"), t.clock.now().wall).kind, KeyVerdict::Kind::revoked);
  EXPECT_EQ(ring.check(text(fresh, "key"), t.clock.now().wall).kind, KeyVerdict::Kind::good);
}

TEST(KeyOrders, RevokeNamesTheMistakeButNeverAKey) {
  KeyHome t;
  const auto made = t.create("bot");
  const auto whole = t.order("key.revoke", R"({"id":")" + text(made, "key") + R"("})");
  ASSERT_FALSE(whole.ok());
  EXPECT_FALSE(holds(whole.error().text(), std::string(parse_key(text(made, "key"))->secret)));
  const auto unknown = t.order("key.revoke", R"({"id":"0123456789AB"})");
  ASSERT_FALSE(unknown.ok());
  EXPECT_TRUE(holds(unknown.error().hint, "davy key list"));
}

TEST(KeyOrders, ListGoesPageByPage) {
  KeyHome t;
  std::vector<Change> changes;
  const std::string record = must(t.order("key.create", R"({"experiment":"first"})"));
  const std::string id = text(json::parse(record).as_object(), "id");
  const std::string stored = *must(t.store->get("keys", id));
  for (std::size_t i = 0; i < kKeysAPage + 10; ++i) {
    const std::string other = "k" + std::to_string(10'000'000'000 + i);
    std::string copy = stored;
    copy.replace(copy.find(id), id.size(), other);
    changes.push_back({"keys", other, copy});
  }
  ASSERT_TRUE(t.store->apply({0, WallTime(), "test", "v", "k"}, changes).ok());
  std::size_t seen = 0;
  std::string after;
  std::string last;
  do {
    const auto page =
        json::parse(must(t.order("key.list", R"({"after":")" + after + R"("})"))).as_object();
    for (const json::value& key : page.at("keys").as_array()) {
      EXPECT_LT(last, text(key.as_object(), "id"));
      last = text(key.as_object(), "id");
      ++seen;
    }
    after = page.contains("next") ? text(page, "next") : std::string();
  } while (!after.empty());
  EXPECT_EQ(seen, kKeysAPage + 11);
}

TEST(KeyOrders, WithoutAServerThePepperIsTheOneThatTheStateRemembers) {
  store::testing::TestHome t;
  const Now now = ManualClock().now();
  KeyOrders first(t.folder.path());
  const std::string elsewhere = t.folder.file("secrets/pepper");
  const std::string arguments = R"({"experiment":"a","pepper":")" + elsewhere + R"("})";
  const auto one = first.carry_out({"key.create", arguments, "x"}, *t.store, now);
  ASSERT_TRUE(one.ok()) << one.error().text();
  KeyOrders second(t.folder.path());
  const auto two = second.carry_out({"key.create", R"({"experiment":"a"})", "x"}, *t.store, now);
  ASSERT_TRUE(two.ok()) << two.error().text();
  EXPECT_FALSE(must(t.home.folder().exists("pepper"))) << "no second pepper";
  KeyRing ring(must(open_pepper(elsewhere, *t.store)));
  ASSERT_TRUE(ring.reload(*t.store).ok());
  for (const auto& made : {one, two}) {
    const std::string key = text(json::parse(*made).as_object(), "key");
    EXPECT_EQ(ring.check(key, now.wall).kind, KeyVerdict::Kind::good);
  }
  const std::string other = R"({"experiment":"a","pepper":")" + t.folder.file("new") + R"("})";
  KeyOrders third(t.folder.path());
  EXPECT_FALSE(third.carry_out({"key.create", other, "x"}, *t.store, now).ok());
}

}  // namespace
}  // namespace davy::access
