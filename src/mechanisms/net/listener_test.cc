// Listeners under threads: ends, hand-overs and what waits in the kernel meanwhile.
#include "mechanisms/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "mechanisms/net/testing.h"

namespace davy::net {
namespace {

using testing::Client;

// A process as far as sockets go: loops, a listener, and a name that it answers.
class Process {
 public:
  explicit Process(std::string name, std::size_t loops = 2) : loops_(loops, system_clock()) {
    name_ = std::move(name);
  }
  ~Process() { loops_.stop(); }

  void listen(const Endpoint& endpoint, InheritedSockets* inherited = nullptr) {
    auto bound = Listener::bind(endpoint, loops_, loops_.size(), inherited);
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    listener_ = std::move(bound).value();
  }
  void start() {
    listener_->start([this](std::unique_ptr<Connection> connection) {
      return answer(std::move(connection), name_, accepted_);
    });
    loops_.start();
  }
  [[nodiscard]] Listener& listener() { return *listener_; }
  [[nodiscard]] int accepted() const { return accepted_; }
  // Copies, as another process gets them.
  [[nodiscard]] InheritedSockets sockets() const {
    InheritedSockets out;
    for (const Fd& fd : listener_->sockets()) {
      EXPECT_TRUE(out.add(Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0))).ok());
    }
    return out;
  }

 private:
  static Task<void> answer(std::unique_ptr<Connection> connection, std::string name,
                           std::atomic<int>& accepted) {
    ++accepted;
    for (;;) {
      const Io got = co_await connection->read_more();
      if (got != Io::ok) co_return;
      connection->consume(connection->input().size());
      const Io sent = co_await connection->write(name);
      if (sent != Io::ok) co_return;
    }
  }

  std::string name_;
  std::atomic<int> accepted_{0};
  Loops loops_;
  std::unique_ptr<Listener> listener_;
};

Endpoint any_port() { return parse_endpoint("127.0.0.1:0").value(); }

TEST(Listener, AnEndedOneRefusesConnections) {
  Process process("a");
  process.listen(any_port());
  const auto port = process.listener().endpoint().port;
  process.start();
  Client before(port);
  ASSERT_TRUE(before.send("?"));
  EXPECT_EQ(before.read_until("a"), "a");
  process.listener().stop();
  while (Client(port).connected()) {
  }
  // Connections that run go on.
  ASSERT_TRUE(before.send("?"));
  EXPECT_EQ(before.read_until("aa"), "aa");
}

TEST(Listener, WhatWaitsInTheKernelIsTakenBeforeTheEnd) {
  Process process("a");
  process.listen(any_port());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(process.listener().endpoint().port));
    ASSERT_TRUE(clients.back()->connected());
    ASSERT_TRUE(clients.back()->send("?"));
  }
  // The end comes before the loops have accepted anything.
  process.listener().stop();
  process.start();
  for (auto& client : clients) EXPECT_EQ(client->read_until("a"), "a");
}

TEST(Listener, AHandOverDropsNoConnection) {
  for (const auto& [old_loops, new_loops] : {std::pair(2, 2), std::pair(3, 1), std::pair(1, 3)}) {
    Process old_one("old.", static_cast<std::size_t>(old_loops));
    old_one.listen(any_port());
    const Endpoint endpoint = old_one.listener().endpoint();
    old_one.start();

    Process new_one("new.", static_cast<std::size_t>(new_loops));
    InheritedSockets sockets = old_one.sockets();
    new_one.listen(endpoint, &sockets);
    EXPECT_TRUE(sockets.left().empty());

    std::vector<std::unique_ptr<Client>> clients;
    const auto connect = [&](int count) {
      for (int i = 0; i < count; ++i) {
        clients.push_back(std::make_unique<Client>(endpoint.port));
        ASSERT_TRUE(clients.back()->connected());
        ASSERT_TRUE(clients.back()->send("?"));
      }
    };
    connect(50);
    old_one.listener().stop(true);
    connect(50);  // to whichever: perhaps nobody accepts now
    new_one.start();
    connect(50);
    for (auto& client : clients) {
      const std::string name = client->read_until(".");
      EXPECT_TRUE(name == "old." || name == "new.") << name;
    }
    EXPECT_EQ(old_one.accepted() + new_one.accepted(), 150);
    EXPECT_GE(new_one.accepted(), 50);
  }
}

TEST(Listener, OneSocketServesAllLoops) {
  Process process("a", 3);
  auto one = listen_on(any_port(), 1);
  ASSERT_TRUE(one.ok());
  InheritedSockets sockets;
  ASSERT_TRUE(sockets.add(std::move(one->sockets[0])).ok());
  process.listen(one->endpoint, &sockets);
  process.start();
  for (int i = 0; i < 30; ++i) {
    Client client(one->endpoint.port);
    ASSERT_TRUE(client.send("?"));
    EXPECT_EQ(client.read_until("a"), "a");
  }
  EXPECT_EQ(process.accepted(), 30);
}

}  // namespace
}  // namespace davy::net
