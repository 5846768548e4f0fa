#include "pillars/access/keys/keys_stage.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/exchange_run.h"
#include "core/snapshot.h"
#include "generated/rules.h"
#include "pillars/access/keys/key_text.h"
#include "pillars/access/keys/testing.h"

namespace davy::access {
namespace {

using testing::KeyHome;
using testing::text;

// A gateway's view: a snapshot with the stage, and one request.
struct Gateway : KeyHome {
  explicit Gateway(bool required = true) {
    Experiment bot;
    bot.name = "bot";
    bot.owner = "team-a";
    bot.models = {"chat"};
    bot.expires = std::chrono::sys_days(std::chrono::year(2027) / 3 / 31);
    snapshot.settings.experiments.push_back(bot);
    snapshot.stages.push_back(std::make_unique<KeysStage>(ring, required));
    chat.name = "chat";
    other.name = "other";
  }

  Decision head(std::vector<HeaderField> fields) {
    run.reset();
    info = ExchangeInfo{};
    info.started = clock.now();
    info.client_ip = "127.0.0.1";
    info.snapshot = &snapshot;
    run = std::make_unique<ExchangeRun>(info, &control);
    return store::testing::must(run->on_head({"POST", "/v1", "", fields}, scratch));
  }
  Decision request(const Model& model) {
    info.model = &model;
    return store::testing::must(run->on_request({}, scratch));
  }

  Snapshot snapshot;
  Model chat;
  Model other;
  ExchangeInfo info;
  Scratch scratch;
  std::unique_ptr<ExchangeRun> run;
};

#define EXPECT_DENIED(decision, id)                                         \
  do {                                                                      \
    const Decision made = (decision);                                       \
    ASSERT_FALSE(made.allowed());                                           \
    EXPECT_EQ(name(made.reason().rule), name(id)) << made.reason().message; \
  } while (false)

TEST(KeysStage, KnowsTheCallerByAnyOfThreeFields) {
  Gateway t;
  const auto made = t.create("bot");
  const std::string key = text(made, "key");
  const std::string bearer = "Bearer " + key;
  const std::string odd = "bEARER \t " + key + " ";
  for (const HeaderField& field : {HeaderField{"Authorization", bearer},
                                   {"authorization", odd},
                                   {"X-Api-Key", key},
                                   {"api-key", key}}) {
    EXPECT_TRUE(t.head({field}).allowed()) << field.name;
    EXPECT_EQ(t.info.principal.key_id, text(made, "id"));
    EXPECT_EQ(t.info.principal.experiment, "bot");
    EXPECT_EQ(t.info.principal.team, "team-a");
    EXPECT_EQ(t.info.principal.method, "key");
    EXPECT_EQ(t.info.principal.client_ip, "127.0.0.1");
    EXPECT_EQ(t.info.experiment, t.snapshot.experiment("bot"));
  }
  EXPECT_TRUE(t.head({{"Authorization", bearer}, {"x-api-key", key}}).allowed())
      << "the same key twice is one key";
}

TEST(KeysStage, NoKeyIsMissing) {
  Gateway t;
  EXPECT_DENIED(t.head({}), rules::kAccessKeysMissing);
  EXPECT_DENIED(t.head({{"Authorization", ""}}), rules::kAccessKeysMissing);
  EXPECT_DENIED(t.head({{"Authorization", "Bearer "}}), rules::kAccessKeysMissing);
  EXPECT_DENIED(t.head({{"x-api-key", "  "}}), rules::kAccessKeysMissing);
  EXPECT_DENIED(t.head({{"Authorization", "Basic dXNlcjpwYXNz"}}), rules::kAccessKeysMissing);
  EXPECT_FALSE(t.info.principal.known());
}

TEST(KeysStage, DamagedAndAmbiguousKeysAreMalformed) {
  Gateway t;
  const std::string key = text(t.create("bot"), "key");
  const std::string second = text(t.create("bot"), "key");
  EXPECT_DENIED(t.head({{"x-api-key", key.substr(1)}}), rules::kAccessKeysMalformed);
  EXPECT_DENIED(t.head({{"Authorization", "Bearer sk-something"}}), rules::kAccessKeysMalformed);
  const std::string bearer = "Bearer " + key;
  EXPECT_DENIED(t.head({{"Authorization", bearer}, {"x-api-key", second}}),
                rules::kAccessKeysMalformed);
  const std::string two = bearer + " " + key;
  EXPECT_DENIED(t.head({{"Authorization", two}}), rules::kAccessKeysMalformed);
  EXPECT_DENIED(t.head({{"x-api-key", key}, {"X-API-KEY", second}}), rules::kAccessKeysMalformed);
}

TEST(KeysStage, KeyOfNobodyIsUnknown) {
  Gateway t;
  const Secret key = new_key();
  EXPECT_DENIED(t.head({{"x-api-key", key.expose()}}), rules::kAccessKeysUnknown);
}

TEST(KeysStage, RevokedAndExpiredKeysAreRefusedByName) {
  Gateway t;
  const auto revoked = t.create("bot");
  const auto ends = t.create("bot", "2026-11-24");
  ASSERT_TRUE(t.order("key.revoke", R"({"id":")" + text(revoked, "id") + R"("})").ok());
  EXPECT_DENIED(t.head({{"x-api-key", text(revoked, "key")}}), rules::kAccessKeysRevoked);
  EXPECT_EQ(t.info.principal.key_id, text(revoked, "id")) << "the event says whose key it was";
  t.clock.advance(std::chrono::hours(24));
  EXPECT_DENIED(t.head({{"x-api-key", text(ends, "key")}}), rules::kAccessKeysExpired);
}

TEST(KeysStage, KeyOfAnExperimentThatIsNotConfiguredIsRefused) {
  Gateway t;
  const std::string key = text(t.create("gone"), "key");
  EXPECT_DENIED(t.head({{"x-api-key", key}}), rules::kAccessKeysExperimentUnknown);
}

TEST(KeysStage, ExperimentUsesItsModelsUntilItsLastDay) {
  Gateway t;
  const std::string key = text(t.create("bot"), "key");
  ASSERT_TRUE(t.head({{"x-api-key", key}}).allowed());
  EXPECT_TRUE(t.request(t.chat).allowed());
  ASSERT_TRUE(t.head({{"x-api-key", key}}).allowed());
  EXPECT_DENIED(t.request(t.other), rules::kAccessKeysModel);
  EXPECT_EQ(t.run->findings().back().location.pointer, "/model");
  t.clock.advance(std::chrono::hours(24 * 365));
  ASSERT_TRUE(t.head({{"x-api-key", key}}).allowed());
  EXPECT_DENIED(t.request(t.chat), rules::kAccessKeysExperimentExpired);
}

TEST(KeysStage, OptionalKeysLetAnonymousCallersInButNoDamagedKey) {
  Gateway t(false);
  EXPECT_TRUE(t.head({}).allowed());
  EXPECT_EQ(t.info.principal.method, "anonymous");
  EXPECT_EQ(t.info.principal.experiment, "anonymous");
  EXPECT_TRUE(t.info.principal.key_id.empty());
  EXPECT_TRUE(t.request(t.other).allowed());
  EXPECT_DENIED(t.head({{"x-api-key", "davy_damaged"}}), rules::kAccessKeysMalformed);

  Experiment anonymous;
  anonymous.name = "anonymous";
  anonymous.owner = "nobody";
  anonymous.models = {"chat"};
  t.snapshot.settings.experiments.push_back(anonymous);
  EXPECT_TRUE(t.head({}).allowed());
  EXPECT_EQ(t.info.principal.team, "nobody");
  EXPECT_TRUE(t.request(t.chat).allowed());
  ASSERT_TRUE(t.head({}).allowed());
  EXPECT_DENIED(t.request(t.other), rules::kAccessKeysModel);
}

TEST(KeysStage, NoMessageHoldsAnyPartOfASecret) {
  Gateway t;
  const std::string key = text(t.create("bot"), "key");
  const Secret stranger = new_key();
  for (const std::string& sent :
       {key.substr(0, 66), key + "x", std::string(stranger.expose()), "sk-" + key}) {
    const Decision decision = t.head({{"x-api-key", sent}});
    ASSERT_FALSE(decision.allowed());
    const Finding& finding = decision.reason();
    const std::string all = finding.message + finding.evidence + finding.fix;
    EXPECT_EQ(all.find(sent.substr(20, 12)), std::string::npos) << all;
  }
}

}  // namespace
}  // namespace davy::access
