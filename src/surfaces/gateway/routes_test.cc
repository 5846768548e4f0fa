#include "surfaces/gateway/routes.h"

#include <gtest/gtest.h>

#include "mechanisms/dialects/anthropic.h"
#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/predict.h"
#include "mechanisms/net/http1/parser.h"

namespace davy::gateway {
namespace {

TEST(Fits, PatternsOfRoutes) {
  std::string model;
  EXPECT_TRUE(fits("/v1/chat", "/v1/chat", model));
  EXPECT_FALSE(fits("/v1/chat", "/v1/chats", model));
  EXPECT_FALSE(fits("/v1/chat", "/v1/chat/", model));
  EXPECT_FALSE(fits("/v1/chat", "/v1", model));
  EXPECT_TRUE(fits("/v2/models/{}/infer", "/v2/models/m/infer", model));
  EXPECT_FALSE(fits("/v2/models/{}/infer", "/v2/models//infer", model));
  EXPECT_FALSE(fits("/v2/models/{}/infer", "/v2/models/a/b/infer", model));
  EXPECT_TRUE(fits("*", "", model));
  EXPECT_TRUE(fits("*", "/a/b", model));
  EXPECT_TRUE(fits("/a/*", "/a/b/c", model));
  EXPECT_TRUE(fits("/a/*", "/a/", model));
  EXPECT_TRUE(fits("/a/*", "/a", model));
  EXPECT_FALSE(fits("/a/*", "/ab", model));
  EXPECT_TRUE(fits("", "", model));
  EXPECT_FALSE(fits("", "/", model));
  EXPECT_TRUE(model.empty());
  EXPECT_TRUE(fits("/d/{model}/chat", "/d/team%3Agpt/chat", model));
  EXPECT_EQ(model, "team:gpt");
  EXPECT_FALSE(fits("/d/{model}/chat", "/d//chat", model));
  EXPECT_FALSE(fits("/d/{model}/chat", "/d/%2e%2/chat", model));
}

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() {
    for (const char* name : {"chat", "other"}) {
      Model model;
      model.name = name;
      model.dialect = "openai";
      snapshot_.settings.models.push_back(std::move(model));
    }
    snapshot_.settings.models[1].hosts = {"other.example.com"};
    snapshot_.settings.models[1].dialect = "unknown";
    snapshot_.settings.models[0].hosts = {"chat.example.com"};
  }
  RouteMatch find(const std::string& method, const std::string& path,
                  const std::string& host = "x") {
    text_ = method + " " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
    parser_.reset();
    EXPECT_EQ(parser_.parse(text_), http1::Progress::complete);
    return routes_.find(parser_.head(), snapshot_);
  }

  const dialects::Dialect* list_[1] = {&dialects::openai()};
  Routes routes_{list_};
  Snapshot snapshot_;
  std::string text_;
  http1::RequestParser parser_;
};

TEST_F(RoutesTest, ExactPathsFirst) {
  const RouteMatch match = find("POST", "/v1/chat/completions");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->upstream_path, "/chat/completions");
  EXPECT_EQ(match.model, "");
}

TEST_F(RoutesTest, AnUnknownPathHasNoDialect) {
  EXPECT_EQ(find("POST", "/v1/unknown").dialect, nullptr);
  EXPECT_EQ(find("POST", "/models/chat/unknown").dialect, nullptr);
  EXPECT_EQ(find("POST", "/v1/unknown", "chat.example.com").dialect, nullptr);
  EXPECT_EQ(find("POST", "/").dialect, nullptr);
}

TEST_F(RoutesTest, AWrongMethodNamesTheOthers) {
  RouteMatch match = find("DELETE", "/v1/chat/completions");
  ASSERT_NE(match.dialect, nullptr);
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(routes_.allowed(match, "/v1/chat/completions"), "POST");
  match = find("POST", "/v1/models/chat");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(routes_.allowed(match, "/v1/models/chat"), "GET");
}

TEST(Fallback, APathThatNobodyServesIsAnsweredByItsBeginning) {
  const dialects::Dialect* const all[] = {&dialects::openai(), &dialects::anthropic(),
                                          &dialects::predict()};
  const Routes routes(all);
  for (const auto& [path, name] :
       {std::pair{"/anthropic/v1/nothing", "anthropic"}, std::pair{"/anthropic", "anthropic"},
        std::pair{"/v1/nothing", "openai"}, std::pair{"/anthropics/v1", "openai"},
        std::pair{"/", "openai"}, std::pair{"", "openai"}, std::pair{"*", "openai"}}) {
    EXPECT_EQ(routes.fallback(path).name(), name) << path;
  }
}

TEST_F(RoutesTest, TheHostComesFirstAndWithoutItsPort) {
  for (const char* host : {"chat.example.com", "CHAT.example.com:8080"}) {
    const RouteMatch match = find("POST", "/v1/chat/completions", host);
    ASSERT_NE(match.route, nullptr);
    EXPECT_EQ(match.model, "chat");
  }
  EXPECT_EQ(find("GET", "/v1/models", "chat.example.com").dialect, nullptr);
}

TEST_F(RoutesTest, AModelOfADialectThatNobodyServesHasNoRoute) {
  EXPECT_EQ(find("POST", "/models/other/x").route, nullptr);
  EXPECT_EQ(find("POST", "/x", "other.example.com").route, nullptr);
}

TEST_F(RoutesTest, BelowModelsANameThatIsNoneHasARouteOfItsOwn) {
  const RouteMatch match = find("POST", "/models/nothing/x");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->reading, dialects::Reading::opaque);
  EXPECT_EQ(match.model, "nothing");
}

TEST_F(RoutesTest, ThePathBelowAModelIsKept) {
  const RouteMatch match = find("POST", "/models/chat/v1/chat/completions");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.below_base("/models/chat/v1/chat/completions"), "/v1/chat/completions");
  EXPECT_EQ(match.model, "chat");
}

TEST_F(RoutesTest, AModelServesThePathsThatItLists) {
  const dialects::Dialect* const both[] = {&dialects::openai(), &dialects::predict()};
  const Routes routes(both);
  Model model;
  model.name = "fraud";
  model.dialect = "predict";
  snapshot_.settings.models.push_back(model);
  const auto listed = [&](const std::string& path) {
    text_ = "POST /models/fraud" + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    parser_.reset();
    EXPECT_EQ(parser_.parse(text_), http1::Progress::complete);
    const RouteMatch match = routes.find(parser_.head(), snapshot_);
    EXPECT_NE(match.route, nullptr);  // so that the key is asked for first
    return match.listed;
  };
  for (const char* path : {"", "/", "/predict"}) EXPECT_TRUE(listed(path)) << path;
  for (const char* path : {"/predict/", "/api/delete", "//"}) EXPECT_FALSE(listed(path)) << path;
  snapshot_.settings.models.back().paths = {"/api/*", "/v1/{}/score"};
  for (const char* path : {"/api", "/api/x/y", "/v1/a/score"}) EXPECT_TRUE(listed(path)) << path;
  for (const char* path : {"/predict", "/apis", "/v1/a/b/score"}) {
    EXPECT_FALSE(listed(path)) << path;
  }
}

}  // namespace
}  // namespace davy::gateway
