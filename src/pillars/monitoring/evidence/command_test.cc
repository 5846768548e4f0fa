#include "pillars/monitoring/evidence/command.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "core/settings.h"
#include "mechanisms/store/home_order_desk.h"
#include "mechanisms/store/jsonl_events.h"
#include "mechanisms/store/order_socket.h"
#include "mechanisms/store/testing.h"
#include "pillars/monitoring/evidence/evidence_orders.h"

namespace davy::evidence {
namespace {

using store::testing::must;
using store::testing::TemporaryFolder;
using store::testing::TestHome;

constexpr WallTime kNoon{std::chrono::seconds(1'800'000'000)};

class NoConfig final : public SnapshotSource {
 public:
  std::unique_ptr<const LoadedConfig> load(const std::string& file,
                                           Diagnostics& diagnostics) override {
    diagnostics.error("no such file", {file, 0, 0});
    return nullptr;
  }
  std::shared_ptr<const Snapshot> build(const std::string&, Diagnostics&) override {
    return nullptr;
  }
};

struct Shell {
  NoConfig snapshots;
  store::HomeOrderDesk desk{system_clock(), [](const store::Home&) {
                              store::OrderRouter::Handlers handlers;
                              handlers.push_back(std::make_unique<EvidenceOrders>(nullptr));
                              return handlers;
                            }};
  std::string out;
  std::string err;

  int run(std::vector<std::string> words) {
    const auto command = why_command();
    CLI::App app;
    command->define(app);
    try {
      app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::ParseError& error) {
      err = error.what();
      return kExitTrouble;
    }
    std::istringstream in;
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    CommandContext context{in, out_stream, err_stream, system_clock(), snapshots, desk, {}, {}};
    const int status = command->run(context);
    out = out_stream.str();
    err = err_stream.str();
    return status;
  }
};

Event answered(const std::string& id) {
  Event event(Sourcetype::model_api_logs, kNoon);
  event.set(Field::request_id, id)
      .set(Field::decision, "allow")
      .set(Field::status, std::int64_t{200});
  event.set(Field::method, "POST").set(Field::path, "/v1/x").set(Field::model, "chat");
  return event;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(WhyCommand, TellsOfARecordedRequest) {
  TestHome t;
  const std::string id = new_request_id(kNoon);
  ASSERT_TRUE(must(store::JsonlEventSink::open(t.home, t.lock))->append(answered(id)).ok());
  Shell shell;
  EXPECT_EQ(shell.run({id, "--home", t.folder.path()}), kExitClean) << shell.err;
  EXPECT_TRUE(shell.out.starts_with(id + " was allowed")) << shell.out;
  EXPECT_EQ(shell.run({id, "--home", t.folder.path(), "-o", "json"}), kExitClean);
  EXPECT_TRUE(shell.out.starts_with("{\"request_id\":\"" + id)) << shell.out;
  EXPECT_EQ(shell.err, "");
}

TEST(WhyCommand, SeesWhatARunningServerHasNotWrittenYet) {
  TestHome t;
  const auto sink = must(store::JsonlEventSink::open(t.home, t.lock));
  store::OrderRouter::Handlers handlers;
  handlers.push_back(std::make_unique<EvidenceOrders>(sink.get()));
  store::OrderRouter router(*t.store, system_clock(), std::move(handlers));
  const auto socket = must(store::OrderSocket::start(t.home, t.lock, router, system_clock()));
  Shell shell;
  for (int i = 0; i < 20; ++i) {
    const std::string id = new_request_id(kNoon);
    ASSERT_TRUE(sink->append(answered(id)).ok());
    ASSERT_EQ(shell.run({id, "--home", t.folder.path()}), kExitClean) << shell.err;
  }
  EXPECT_EQ(shell.err, "");
}

TEST(WhyCommand, UnknownAndMalformedIdsExitWithTwoAndSayWhatToDo) {
  TestHome t;
  Shell shell;
  EXPECT_EQ(shell.run({new_request_id(kNoon), "--home", t.folder.path()}), kExitTrouble);
  EXPECT_TRUE(holds(shell.err, "no event of req_")) << shell.err;
  EXPECT_TRUE(holds(shell.err, "--home DIR")) << shell.err;
  EXPECT_EQ(shell.out, "");
  for (const char* id : {"req_", "REQ_01k9dny000000000000000", "x", "../../etc/passwd",
                         "req_01k9dny0000000000000\n"}) {
    EXPECT_EQ(shell.run({id, "--home", t.folder.path()}), kExitTrouble) << id;
    EXPECT_TRUE(holds(shell.err, "davy-request-id")) << shell.err;
  }
  EXPECT_EQ(shell.run({"--home", t.folder.path()}), kExitTrouble);
}

TEST(WhyCommand, HomeThatIsNotThereIsNotMade) {
  const TemporaryFolder folder;
  Shell shell;
  EXPECT_EQ(shell.run({new_request_id(kNoon), "--home", folder.file("none")}), kExitTrouble);
  EXPECT_TRUE(holds(shell.err, "davy init")) << shell.err;
  EXPECT_EQ(shell.run({new_request_id(kNoon)}), kExitTrouble);
  EXPECT_TRUE(holds(shell.err, "davylamp.yaml")) << shell.err;
}

}  // namespace
}  // namespace davy::evidence
