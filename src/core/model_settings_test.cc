#include <gtest/gtest.h>

#include "core/settings_for_tests.h"

namespace davy {
namespace {

using settings_for_tests::read;
using settings_for_tests::Read;
using settings_for_tests::read_with;
using settings_for_tests::Tree;
using Entries = std::vector<std::pair<std::string, ConfigNode>>;

// A model named "chat" of that dialect, without an upstream.
Read read_model(Entries more, const char* dialect = "openai") {
  Entries entries{{"name", Tree::text("chat")}, {"dialect", Tree::text(dialect)}};
  for (auto& entry : more) entries.push_back(std::move(entry));
  return read_with("models", Tree::list({Tree::map(std::move(entries))}));
}
const Model& model_of(const Read& read) { return read.content.settings.models.at(0); }

ConfigNode texts(std::vector<const char*> all) {
  std::vector<ConfigNode> items;
  for (const char* text : all) items.push_back(Tree::text(text));
  return Tree::list(std::move(items));
}

TEST(ModelSettings, AListIsForFailOverUnlessWeightsAreGiven) {
  const Read plain = read_model({{"upstreams", texts({"http://127.0.0.1:1/v1", "unix:/run/m"})}});
  EXPECT_TRUE(plain.diagnostics.all().empty()) << plain.all();
  EXPECT_FALSE(model_of(plain).shares);
  ASSERT_EQ(model_of(plain).upstreams.size(), 2u);
  EXPECT_EQ(model_of(plain).upstreams[1].position, 1u);
  EXPECT_EQ(model_of(plain).upstreams[1].url.socket, "/run/m");

  const Read shared =
      read_model({{"upstreams", Tree::list({Tree::text("http://127.0.0.1:1"),
                                            Tree::map({{"url", Tree::text("http://127.0.0.1:2")},
                                                       {"weight", Tree::text("3")}})})}});
  EXPECT_TRUE(shared.diagnostics.all().empty()) << shared.all();
  EXPECT_TRUE(model_of(shared).shares);
  EXPECT_EQ(model_of(shared).upstreams[0].weight, 1u);
  EXPECT_EQ(model_of(shared).upstreams[1].weight, 3u);
}

TEST(ModelSettings, ANameThatNoBodyCanTakeIsAMistake) {
  for (const char* const dialect : {"predict", "kserve", "mcp"}) {
    const Read all = read_model(
        {{"upstream", Tree::text("http://127.0.0.1:1")}, {"upstream_model", Tree::text("other")}},
        dialect);
    ASSERT_EQ(all.diagnostics.all().size(), 1u) << all.all();
    EXPECT_NE(all.all().find(".upstream_model: requests of the " + std::string(dialect)),
              std::string::npos)
        << all.all();
    const Read one =
        read_model({{"upstreams", Tree::list({Tree::map({{"url", Tree::text("http://127.0.0.1:1")},
                                                         {"model", Tree::text("other")}})})}},
                   dialect);
    ASSERT_EQ(one.diagnostics.all().size(), 1u) << one.all();
    EXPECT_NE(one.all().find("upstreams[0].model: requests of the "), std::string::npos)
        << one.all();
  }
  const Read anthropic = read_model(
      {{"upstream", Tree::text("http://127.0.0.1:1")}, {"upstream_model", Tree::text("other")}},
      "anthropic");
  EXPECT_TRUE(anthropic.diagnostics.all().empty()) << anthropic.all();
}

TEST(ModelSettings, AnUpstreamMaySayWhatTheModelSaysForAll) {
  const Read r = read_model(
      {{"upstream_model", Tree::text("gpt-4o")},
       {"credential", Tree::text("env:ALL")},
       {"tls", Tree::map({{"ca", Tree::text("ca.pem")}})},
       {"upstreams",
        Tree::list(
            {Tree::text("https://a"),
             Tree::map({{"url", Tree::text("https://b")},
                        {"model", Tree::text("mistral large")},
                        {"credential", Tree::text("file:b.key")},
                        {"tls", Tree::map({{"server_name", Tree::text("b.example.com")}})}})})}});
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  const auto& upstreams = model_of(r).upstreams;
  ASSERT_EQ(upstreams.size(), 2u);
  EXPECT_EQ(upstreams[0].model, "gpt-4o");
  EXPECT_EQ(upstreams[0].credential.name, "ALL");
  EXPECT_EQ(upstreams[0].tls.ca, "etc/ca.pem");
  EXPECT_EQ(upstreams[0].tls.server_name, "");
  EXPECT_EQ(upstreams[1].model, "mistral large");
  EXPECT_EQ(upstreams[1].credential.name, "etc/b.key");
  EXPECT_EQ(upstreams[1].tls.ca, "etc/ca.pem");
  EXPECT_EQ(upstreams[1].tls.server_name, "b.example.com");
}

TEST(ModelSettings, AzureNamesItsDeployment) {
  const Read r = read_model(
      {{"azure",
        Tree::map({{"api_version", Tree::text("2024-10-21")}, {"auth", Tree::text("token")}})},
       {"upstreams",
        Tree::list({Tree::map({{"url", Tree::text("https://x.openai.azure.com")},
                               {"azure", Tree::map({{"deployment", Tree::text("gpt-4o")}})}})})}});
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  const auto& azure = model_of(r).upstreams.at(0).azure;
  ASSERT_TRUE(azure);
  EXPECT_EQ(azure->deployment, "gpt-4o");
  EXPECT_EQ(azure->api_version, "2024-10-21");
  EXPECT_TRUE(azure->token);

  const auto azure_map = [](const char* key, const char* value) {
    return Entries{{"upstream", Tree::text("https://x.openai.azure.com")},
                   {"azure", Tree::map({{key, Tree::text(value)}})}};
  };
  EXPECT_TRUE(read_model(azure_map("deployment", "d")).says("\"api_version\" is missing"));
  EXPECT_TRUE(read_model(azure_map("api_version", "v")).says("\"deployment\" is missing"));
  for (const char* bad : {"a/b", "..", "a?b", "a b", "", "a&b"}) {
    EXPECT_TRUE(read_model(azure_map("deployment", bad)).says("azure.deployment: not a usable"))
        << bad;
  }
  EXPECT_TRUE(read_model(azure_map("auth", "entra")).says("expected one of key, token"));
  EXPECT_TRUE(read_model(azure_map("deployment", "d"), "predict").says("only the openai dialect"));
  EXPECT_TRUE(read_model({{"upstream", Tree::text("https://x.openai.azure.com")}})
                  .says("this host is Azure OpenAI's"));
  EXPECT_FALSE(read_model({{"upstream", Tree::text("https://x.openai.azure.com/openai/v1")}})
                   .says("this host is Azure OpenAI's"));
}

TEST(ModelSettings, PathsOfPlainModels) {
  const auto with = [](std::vector<const char*> paths, const char* dialect) {
    return read_model({{"upstream", Tree::text("http://127.0.0.1:1")}, {"paths", texts(paths)}},
                      dialect);
  };
  const Read r =
      with({"", "/", "/predict", "/api/*", "/v2/models/{}/infer", "/v1/m:predict"}, "predict");
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  EXPECT_EQ(model_of(r).paths.size(), 6u);
  for (const char* path :
       {"predict", "/a/../b", "/a?b", "/a%2fb", "/{model}", "/a/*/b", "/a//b", "/a b", "*"}) {
    EXPECT_TRUE(with({path}, "kserve").says("paths: not a path")) << path;
  }
  EXPECT_TRUE(with({"/predict"}, "openai").says("only predict and kserve"));
  EXPECT_TRUE(with({}, "predict").says("names no path"));
}

TEST(ModelSettings, BedrockIsRefusedByNameUntilItIsBuilt) {
  const Read dialect = read_model({{"upstream", Tree::text("https://a")}}, "bedrock");
  EXPECT_FALSE(dialect.diagnostics.ok());
  EXPECT_TRUE(dialect.says("bedrock is not built yet")) << dialect.all();
  for (const char* url : {"https://bedrock-runtime.us-east-1.amazonaws.com",
                          "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
                          "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
                          "https://vpce-1-2.bedrock-runtime.us-east-1.vpce.amazonaws.com"}) {
    const Read r = read_model({{"upstream", Tree::text(url)}});
    EXPECT_FALSE(r.diagnostics.ok()) << url;
    EXPECT_TRUE(r.says("Bedrock is not built yet")) << r.all();
  }
  EXPECT_TRUE(read_model({{"upstream", Tree::text("https://bedrock-runtime.example.com")}})
                  .diagnostics.ok());
}

TEST(ModelSettings, TheAnthropicDialectIsServedAndItsUpstreamHasNoV1) {
  const Read r = read_model({{"upstream", Tree::text("https://api.anthropic.com")}}, "anthropic");
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  const Read doubled = read_model({{"upstream", Tree::text("https://a/v1")}}, "anthropic");
  EXPECT_TRUE(doubled.diagnostics.ok());
  EXPECT_TRUE(doubled.says("the upstream ends in /v1")) << doubled.all();
  EXPECT_TRUE(read_model({{"upstream", Tree::text("https://a/v1")}}).diagnostics.all().empty());
}

TEST(ModelSettings, TlsToAnUpstreamIsVerifiedUnlessSomebodySaysOtherwise) {
  EXPECT_TRUE(
      model_of(read_model({{"upstream", Tree::text("https://a")}})).upstreams.at(0).tls.verify);
  const auto with = [](Entries tls) {
    return read_model({{"upstream", Tree::text("https://a")}, {"tls", Tree::map(std::move(tls))}});
  };
  const Read off = with({{"verify", Tree::text("false")}});
  EXPECT_TRUE(off.diagnostics.ok()) << off.all();
  EXPECT_TRUE(off.says("tls.verify: whoever is on the way")) << off.all();
  EXPECT_TRUE(with({{"certificate", Tree::text("c.pem")}}).says("go together"));
  EXPECT_TRUE(with({{"server_name", Tree::text("a/b")}}).says("server_name: not a host name"));
  EXPECT_TRUE(with({{"cafile", Tree::text("c")}}).says("unknown key \"cafile\""));
  EXPECT_TRUE(read_model({{"upstream", Tree::text("http://a")}, {"tls", Tree::map({})}})
                  .says("no upstream of this model is https://"));

  const auto in_stage = [](const char* stage) {
    Read r = read(Tree::map(
        {{"models",
          Tree::list({Tree::map({{"name", Tree::text("chat")},
                                 {"dialect", Tree::text("openai")},
                                 {"upstream", Tree::text("https://a")},
                                 {"tls", Tree::map({{"verify", Tree::text("false")}})}})})},
         {"experiments", Tree::list({Tree::map({{"name", Tree::text("bot")},
                                                {"owner", Tree::text("o")},
                                                {"models", texts({"chat"})},
                                                {"stage", Tree::text(stage)}})})}}));
    check_settings(r.content.settings, r.diagnostics);
    return r;
  };
  EXPECT_TRUE(in_stage("production").says("is in production, but model \"chat\""));
  EXPECT_FALSE(in_stage("production").diagnostics.ok());
  EXPECT_TRUE(in_stage("staging").diagnostics.ok());
}

TEST(ModelSettings, ACredentialOverAPlainNetworkIsAWarning) {
  const auto with = [](const char* url) {
    return read_model({{"upstream", Tree::text(url)}, {"credential", Tree::text("env:KEY")}});
  };
  EXPECT_TRUE(with("http://models.example.com").says("crosses the network without TLS"));
  EXPECT_TRUE(with("http://models.example.com").diagnostics.ok());
  for (const char* url : {"https://models.example.com", "http://127.0.0.2:1", "http://[::1]:1",
                          "http://localhost", "unix:/run/m"}) {
    EXPECT_FALSE(with(url).says("crosses the network")) << url;
  }
}

TEST(ModelSettings, HealthTimesAndFailOverHaveDefaultsOfTheirOwn) {
  const Read plain = read_model({{"upstream", Tree::text("http://127.0.0.1:1")}});
  EXPECT_FALSE(model_of(plain).health);
  EXPECT_TRUE(model_of(plain).fail_over.connect);
  EXPECT_EQ(model_of(plain).fail_over.status, (std::vector<int>{429, 503, 529}));
  EXPECT_EQ(model_of(plain).times.connect.count(), 5000);

  const Read r = read_model(
      {{"upstream", Tree::text("http://127.0.0.1:1")},
       {"health", Tree::map({{"path", Tree::text("/health?deep=1")},
                             {"every", Tree::text("2s")},
                             {"status", texts({"200", "204"})}})},
       {"timeouts", Tree::map({{"connect", Tree::text("250ms")}, {"answer", Tree::text("2m")}})},
       {"fail_over_on", texts({"503", "502"})},
       {"max_answer_bytes", Tree::text("4096")}});
  EXPECT_TRUE(r.diagnostics.all().empty()) << r.all();
  ASSERT_TRUE(model_of(r).health);
  EXPECT_EQ(model_of(r).health->every.count(), 2000);
  EXPECT_EQ(model_of(r).health->status, (std::vector<int>{200, 204}));
  EXPECT_EQ(model_of(r).times.connect.count(), 250);
  EXPECT_EQ(model_of(r).times.answer.count(), 120'000);
  EXPECT_FALSE(model_of(r).fail_over.connect);
  EXPECT_EQ(model_of(r).fail_over.status, (std::vector<int>{503, 502}));
  EXPECT_EQ(model_of(r).max_answer_bytes, 4096u);

  const Read never = read_model(
      {{"upstream", Tree::text("http://127.0.0.1:1")}, {"fail_over_on", Tree::text("never")}});
  EXPECT_TRUE(never.diagnostics.all().empty()) << never.all();
  EXPECT_FALSE(model_of(never).fail_over.connect);
  EXPECT_TRUE(model_of(never).fail_over.status.empty());
}

TEST(ModelSettings, EachMistakeHasItsPlaceAndWhatToDo) {
  const Read r = read_model(
      {{"upstreams",
        Tree::list({Tree::text("ftp://a"),
                    Tree::map({{"weight", Tree::text("1001")}, {"wieght", Tree::text("1")}}),
                    Tree::map({{"url", Tree::text("http://127.0.0.1:1")},
                               {"weight", Tree::text("0")},
                               {"tls", Tree::map({})},
                               {"model", Tree::text("a\nb")}})})},
       {"health", Tree::map({{"path", Tree::text("healthz")},
                             {"every", Tree::text("10")},
                             {"status", Tree::text("20x")}})},
       {"timeouts", Tree::map({{"answer", Tree::text("0s")}, {"idle", Tree::text("1s")}})},
       {"fail_over_on", texts({"404", "conect"})},
       {"max_answer_bytes", Tree::text("5")}});
  for (const char* part :
       {"models[0].upstreams[0]: the upstream URL does not begin",
        "models[0].upstreams[1]: \"url\" is missing", "unknown key \"wieght\"",
        "a whole number from 0 to 1000", "upstreams[2].tls: this upstream is not https://",
        "upstreams[2].model: not a usable name", "every weight is 0", "health.path: not a path",
        "health.every: expected a time from 1s to 1h", "health.status: not a status",
        "timeouts.answer: expected a time from 100ms to 1h", "unknown key \"idle\"",
        "fail_over_on: expected connect", "max_answer_bytes: expected a whole number"}) {
    EXPECT_TRUE(r.says(part)) << part << "\n" << r.all();
  }
}

}  // namespace
}  // namespace davy
