#include "pillars/access/keys/command.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "core/settings.h"
#include "mechanisms/store/home_order_desk.h"
#include "pillars/access/keys/access_config.h"
#include "pillars/access/keys/key_text.h"
#include "pillars/access/keys/testing.h"

namespace davy::access {
namespace {

namespace json = boost::json;
using store::testing::must;
using store::testing::TemporaryFolder;
using testing::text;

// One configuration, "good.yaml", with one experiment and a pepper of its own.
class OneConfig final : public SnapshotSource {
 public:
  explicit OneConfig(std::string folder) : folder_(std::move(folder)) {}
  std::unique_ptr<const LoadedConfig> load(const std::string& file,
                                           Diagnostics& diagnostics) override {
    if (file != "good.yaml") {
      diagnostics.error("no such file", {file, 0, 0});
      return nullptr;
    }
    auto loaded = std::make_unique<LoadedConfig>();
    loaded->folder = folder_;
    loaded->settings.home = "home";
    Experiment bot;
    bot.name = "support-bot";
    loaded->settings.experiments.push_back(bot);
    auto access = std::make_unique<AccessConfig>();
    access->pepper = "secrets/pepper";
    loaded->config.put("access", std::move(access));
    return loaded;
  }
  std::shared_ptr<const Snapshot> build(const std::string&, Diagnostics&) override {
    ADD_FAILURE() << "a key command needs no snapshot";
    return nullptr;
  }

 private:
  std::string folder_;
};

struct Shell {
  TemporaryFolder folder;
  ManualClock clock{WallTime(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24))};
  OneConfig snapshots{folder.path()};
  store::HomeOrderDesk desk{clock, [](const store::Home& home) {
                              store::OrderRouter::Handlers handlers;
                              handlers.push_back(std::make_unique<KeyOrders>(home.path()));
                              return handlers;
                            }};
  std::string out;
  std::string err;

  // `words` begin with the verb: "create".
  int run(std::vector<std::string> words) {
    for (auto& command : key_commands()) {
      if (command->path() != "key " + words.front()) continue;
      CLI::App app;
      command->define(app);
      std::vector<std::string> rest(words.rbegin(), words.rend() - 1);
      try {
        app.parse(rest);
      } catch (const CLI::ParseError& error) {
        err = error.what();
        return kExitTrouble;
      }
      std::istringstream in;
      std::ostringstream out_stream;
      std::ostringstream err_stream;
      CommandContext context{in, out_stream, err_stream, clock, snapshots, desk, {}, {}};
      const int status = command->run(context);
      out = out_stream.str();
      err = err_stream.str();
      return status;
    }
    ADD_FAILURE() << "no such command";
    return -1;
  }
};

TEST(KeyCommands, CreateListRevokeWithoutAServer) {
  Shell shell;
  ASSERT_EQ(shell.run({"create", "--experiment", "support-bot", "-c", "good.yaml", "-o", "json",
                       "--note", "for the bot"}),
            kExitClean)
      << shell.err;
  EXPECT_EQ(shell.err, "");
  const json::object made = json::parse(shell.out).as_object();
  EXPECT_TRUE(parse_key(text(made, "key")).has_value());
  EXPECT_EQ(text(made, "experiment"), "support-bot");
  EXPECT_EQ(text(made, "created"), "2026-11-24T00:00:00.000Z");

  ASSERT_EQ(shell.run({"list", "-c", "good.yaml"}), kExitClean);
  const std::string id = text(made, "id");
  EXPECT_EQ(shell.out, "ID            EXPERIMENT   STATE    CREATED     EXPIRES     NOTE\n" + id +
                           "  support-bot  active   2026-11-24  never       for the bot\n");

  ASSERT_EQ(shell.run({"revoke", id, "-c", "good.yaml"}), kExitClean) << shell.err;
  EXPECT_EQ(shell.out, "key " + id + " is revoked\n");
  EXPECT_EQ(shell.run({"revoke", id, "-c", "good.yaml"}), kExitTrouble);
  ASSERT_EQ(shell.run({"list", "--home", shell.folder.file("home"), "-o", "json"}), kExitClean);
  const json::array keys = json::parse(shell.out).as_object().at("keys").as_array();
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(text(keys[0].as_object(), "state"), "revoked");
  ASSERT_EQ(shell.run({"list", "-c", "good.yaml", "--experiment", "other", "-o", "json"}),
            kExitClean);
  EXPECT_EQ(shell.out, "{\"keys\":[]}\n");
}

TEST(KeyCommands, CreateUsesThePepperOfTheConfiguration) {
  Shell shell;
  ASSERT_EQ(shell.run({"create", "--experiment", "support-bot", "-c", "good.yaml"}), kExitClean);
  const store::Home home = must(store::Home::open(shell.folder.file("home")));
  EXPECT_FALSE(must(home.folder().exists("pepper")));
  const Folder folder = must(Folder::open(shell.folder.path()));
  EXPECT_TRUE(must(folder.exists("secrets/pepper")));
}

TEST(KeyCommands, TableShowsTheKeyAloneOnStandardOutput) {
  Shell shell;
  ASSERT_EQ(shell.run({"create", "--experiment", "x", "--home", shell.folder.file("h")}),
            kExitClean);
  ASSERT_TRUE(shell.out.ends_with('\n'));
  const std::string key = shell.out.substr(0, shell.out.size() - 1);
  EXPECT_TRUE(parse_key(key).has_value()) << shell.out;
  EXPECT_EQ(shell.err.find(parse_key(key)->secret), std::string::npos);
  EXPECT_NE(shell.err.find("not shown again"), std::string::npos);
}

TEST(KeyCommands, ExperimentThatTheConfigurationLacksGivesAWarning) {
  Shell shell;
  ASSERT_EQ(shell.run({"create", "--experiment", "suport-bot", "-c", "good.yaml"}), kExitClean);
  EXPECT_NE(shell.err.find("did you mean support-bot?"), std::string::npos) << shell.err;
}

TEST(KeyCommands, MistakesExitWithTwoAndSayWhatToDo) {
  Shell shell;
  const std::string nowhere = shell.folder.file("nowhere");
  EXPECT_EQ(shell.run({"list", "--home", nowhere}), kExitTrouble);
  EXPECT_NE(shell.err.find("davy init"), std::string::npos) << shell.err;
  EXPECT_FALSE(must(must(Folder::open(shell.folder.path())).exists("nowhere")))
      << "a look makes no home";
  EXPECT_EQ(shell.run({"revoke", "0123456789AB", "--home", nowhere}), kExitTrouble);
  EXPECT_EQ(shell.run({"list", "-c", "bad.yaml"}), kExitTrouble);
  EXPECT_NE(shell.err.find("bad.yaml"), std::string::npos) << shell.err;
  EXPECT_EQ(shell.run({"list"}), kExitTrouble);
  EXPECT_NE(shell.err.find("davylamp.yaml"), std::string::npos) << shell.err;
  EXPECT_EQ(shell.run({"create", "-c", "good.yaml"}), kExitTrouble);
  EXPECT_NE(shell.err.find("--experiment"), std::string::npos) << shell.err;
  EXPECT_EQ(shell.run({"create", "--experiment", "a b", "-c", "good.yaml"}), kExitTrouble);
  EXPECT_EQ(shell.run({"create", "--experiment", "a", "-c", "good.yaml", "--home", "x"}),
            kExitTrouble);
  EXPECT_EQ(shell.run({"list", "-c", "good.yaml", "-o", "yaml"}), kExitTrouble);
}

}  // namespace
}  // namespace davy::access
