#include "mechanisms/store/order_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "mechanisms/store/home_order_desk.h"
#include "mechanisms/store/order_lines.h"
#include "mechanisms/store/peer.h"
#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TemporaryFolder;
using testing::TestHandler;

OrderRouter::Handlers handlers() {
  OrderRouter::Handlers out;
  out.push_back(std::make_unique<TestHandler>());
  return out;
}

// A server as `davy serve` has it, in this process.
struct Server {
  explicit Server(const std::string& path) : home(must(Home::open_or_create(path))) {}
  ~Server() { log::set_output({}); }

  Home home;
  HomeLock lock = must(HomeLock::take(home));
  std::unique_ptr<SqliteStateStore> store = must(SqliteStateStore::open(home, lock));
  std::atomic<std::uint64_t> published{0};
  OrderRouter router{*store, system_clock(), handlers(),
                     [this](std::uint64_t sequence) { published = sequence; }};
  bool quiet = [] {
    log::set_output([](std::string_view) {});
    return true;
  }();
  std::unique_ptr<OrderSocket> socket =
      must(OrderSocket::start(home, lock, router, system_clock()));
  HomeOrderDesk desk{system_clock(), [](const Home&) -> OrderRouter::Handlers {
                       ADD_FAILURE() << "the server must answer";
                       return {};
                     }};

  // What comes back for these bytes.
  std::string raw(std::string_view bytes) const {
    const Connected peer = connect_to(home);
    EXPECT_TRUE(peer.fd.valid());
    EXPECT_TRUE(send_all(peer.fd.get(), bytes, kPeerPatience, system_clock()).ok());
    auto line = receive_line(peer.fd.get(), kMaxOrderLine, kPeerPatience, system_clock());
    return line ? *line : "no answer: " + line.error().text();
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(OrderSocket, OrderIsCarriedOutByTheServerWhichPublishesBeforeItAnswers) {
  const TemporaryFolder folder;
  Server server(folder.path());
  const std::string answer = must(server.desk.order(folder.path(), "test.put", R"({"a":"b"})"));
  EXPECT_EQ(server.published, 1u);
  EXPECT_TRUE(holds(answer, "cli uid " + std::to_string(getuid()))) << answer;
  EXPECT_EQ(must(server.store->get("test", "last")), R"({"a":"b"})");
}

TEST(OrderSocket, ErrorsComeBackWhole) {
  const TemporaryFolder folder;
  Server server(folder.path());
  const auto error = server.desk.order(folder.path(), "test.fail", "{}");
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().kind, ErrorKind::limit);
  EXPECT_EQ(error.error().message, "too much");
  EXPECT_EQ(error.error().hint, "do less");
  const auto unknown = server.desk.order(folder.path(), "test.putt", "{}");
  ASSERT_FALSE(unknown.ok());
  EXPECT_TRUE(holds(unknown.error().hint, "test.put")) << unknown.error().text();
  EXPECT_FALSE(server.desk.order(folder.path(), "test.text", "{}").ok());
  EXPECT_EQ(server.published, 0u);
}

TEST(OrderSocket, BadLinesAreAnsweredAndTheServerGoesOn) {
  const TemporaryFolder folder;
  Server server(folder.path());
  EXPECT_TRUE(holds(server.raw("nonsense\n"), "invalid_input"));
  EXPECT_TRUE(holds(server.raw("\n"), "invalid_input"));
  // Nothing waits unread: a close with unread bytes could take the answer with it.
  EXPECT_TRUE(holds(server.raw(std::string(kMaxOrderLine, 'x')), "limit"));
  {
    const Connected gone = connect_to(server.home);
    ASSERT_TRUE(gone.fd.valid());
    ASSERT_TRUE(send_all(gone.fd.get(), "{\"verb\"", kPeerPatience, system_clock()).ok());
  }
  EXPECT_TRUE(server.desk.order(folder.path(), "test.put", "{}").ok());
}

TEST(OrderSocket, ManyCommandsAtOnceAllSucceedInSomeOrder) {
  const TemporaryFolder folder;
  Server server(folder.path());
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        good += server.desk.order(folder.path(), "test.put", "{}").ok() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 40);
  EXPECT_EQ(must(server.store->last_order()), 40u);
  EXPECT_EQ(server.published, 40u);
}

TEST(OrderSocket, FileIsForTheOwnerAndGoesWithTheServer) {
  const TemporaryFolder folder;
  const std::string file = folder.file(kSocketFile);
  struct stat status {};
  {
    Server server(folder.path());
    ASSERT_EQ(stat(file.c_str(), &status), 0);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & ALLPERMS, 0600u);
    EXPECT_TRUE(server_may_run(server.home));
  }
  EXPECT_NE(stat(file.c_str(), &status), 0);
}

TEST(OrderSocket, OnlyASocketFileIsReplaced) {
  const TemporaryFolder folder;
  const Home home = must(Home::open_or_create(folder.path()));
  std::ofstream(folder.file(kSocketFile)) << "something of the owner";
  const HomeLock lock = must(HomeLock::take(home));
  const auto store = must(SqliteStateStore::open(home, lock));
  OrderRouter router(*store, system_clock(), handlers());
  EXPECT_FALSE(OrderSocket::start(home, lock, router, system_clock()).ok());
  EXPECT_EQ(must(home.folder().read(kSocketFile, 100)), "something of the owner");
}

TEST(OrderSocket, HomeWithALongPathIsReached) {
  const TemporaryFolder folder;
  const std::string parent = folder.file(std::string(100, 'p'));
  ASSERT_EQ(mkdir(parent.c_str(), 0700), 0);
  const std::string path = parent + "/" + std::string(100, 'h');
  Server server(path);
  EXPECT_TRUE(server.desk.order(path, "test.put", "{}").ok());
}

TEST(HomeOrderDesk, WithoutAServerTheCommandDoesItItself) {
  const TemporaryFolder folder;
  HomeOrderDesk desk(system_clock(), [](const Home&) { return handlers(); });
  const std::string path = folder.file("home");
  EXPECT_TRUE(holds(must(desk.order(path, "test.put", "{}")), "\"sequence\":1"));
  EXPECT_TRUE(holds(must(desk.order(path, "test.put", "{}")), "\"sequence\":2"));
  EXPECT_FALSE(desk.order(path, "test.put", "no object").ok());
}

}  // namespace
}  // namespace davy::store
