// Connections, their poller and their outbox, against a plain client and one with TLS.
#include "mechanisms/net/connection.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "mechanisms/net/listener.h"
#include "mechanisms/net/testing.h"
#include "mechanisms/net/tls.h"
#include "mechanisms/net/tls_for_tests.h"
#include "mechanisms/net/upstream_for_tests.h"

namespace davy::net {
namespace {

using testing::Client;
using namespace std::chrono_literals;

enum class Wire : std::uint8_t { plain, tls };

class ConnectionTest : public ::testing::TestWithParam<Wire> {
 protected:
  // What each client's connection is given to; ends with it.
  using Body = std::function<Task<void>(Connection&)>;

  void serve(Body body) {
    auto bound = Listener::bind(Endpoint{"127.0.0.1", 0, {}}, *loops_, 1);
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    listener_ = std::move(bound).value();
    body_ = std::move(body);
    listener_->start([this](std::unique_ptr<Connection> connection) {
      return hold(std::move(connection), body_, GetParam());
    });
    loops_->start();
  }
  void TearDown() override { loops_->stop(); }
  [[nodiscard]] std::uint16_t port() const { return listener_->endpoint().port; }

  [[nodiscard]] std::unique_ptr<Client> connect() const {
    if (GetParam() == Wire::tls) return std::make_unique<testing::TlsTestClient>(port());
    return std::make_unique<Client>(port());
  }

  static Task<void> hold(std::unique_ptr<Connection> connection, Body body, Wire wire) {
    if (wire == Wire::tls) {
      static const TlsServer server = [] {
        const testing::Pair own = testing::Authority().issue();
        return TlsServer::create({own.certificate, own.key, ""}, {}).value();
      }();
      const auto secured = co_await connection->accept_tls(server);
      if (!secured) co_return;
    }
    co_await body(*connection);
  }

  std::unique_ptr<Loops> loops_ = std::make_unique<Loops>(1, system_clock());
  std::unique_ptr<Listener> listener_;
  Body body_;
};

INSTANTIATE_TEST_SUITE_P(Wires, ConnectionTest, ::testing::Values(Wire::plain, Wire::tls),
                         [](const auto& wire) {
                           return wire.param == Wire::tls ? "tls" : "plain";
                         });

// The pool makes its connections itself.
class PoolTest : public ConnectionTest {};
INSTANTIATE_TEST_SUITE_P(Plain, PoolTest, ::testing::Values(Wire::plain));

void put(Connection& connection, std::string_view text) {
  connection.outbox() += text;
  connection.send_soon();
}

TEST_P(ConnectionTest, WhatIsSentSoonGoesOutBeforeWhatIsWrittenLater) {
  serve([](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    put(connection, "one ");
    put(connection, "two ");
    (void)co_await connection.write("three ", "four ");
    put(connection, "five");
    (void)co_await connection.write({});
    connection.shut_down_writing();
  });
  const auto client = connect();
  ASSERT_TRUE(client->send("go"));
  EXPECT_EQ(client->read_to_end(), "one two three four five");
}

TEST_P(ConnectionTest, WhatIsSentSoonGoesOutWhileTheConnectionWaits) {
  serve([](Connection& connection) -> Task<void> {
    for (;;) {
      const Io more = co_await connection.read_more();
      if (more != Io::ok) break;
      put(connection, connection.input());
      connection.consume(connection.input().size());
    }
  });
  const auto client = connect();
  for (const std::string_view word : {"ping", "pong", "pung"}) {
    ASSERT_TRUE(client->send(word));
    EXPECT_NE(client->read_until(word).find(word), std::string::npos);
  }
}

TEST_P(ConnectionTest, WhatTheKernelDoesNotTakeFollowsInOrder) {
  constexpr std::size_t kPieces = 1024;
  std::atomic<bool> waited{false};
  serve([&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    const std::string piece(8 * 1024, 'x');
    for (std::size_t i = 0; i < kPieces; ++i) {
      const std::string text = std::to_string(i) + piece + ";";
      if (!connection.output_waits()) {
        put(connection, text);
        // Lets the round end.
        asio::basic_waitable_timer<std::chrono::steady_clock,
                                   asio::wait_traits<std::chrono::steady_clock>, Executor>
            pause(connection.loop().executor(), 10us);
        if (i % 64 == 0) {
          boost::system::error_code ignored;
          co_await pause.async_wait(asio::redirect_error(kAwait, ignored));
          waited = waited || connection.output_waits();
        }
      } else {
        const Io io = co_await connection.write(text);
        if (io != Io::ok) co_return;
      }
    }
    put(connection, "end");
    (void)co_await connection.read_more();  // until the client goes
  });
  const auto client = connect();
  ASSERT_TRUE(client->send("go"));
  std::this_thread::sleep_for(200ms);  // so that the kernel's buffers fill
  const std::string all = client->read_until(";end");
  std::size_t at = 0;
  for (std::size_t i = 0; i < kPieces; ++i) {
    const std::string head = std::to_string(i) + "x";
    ASSERT_EQ(all.compare(at, head.size(), head), 0) << "piece " << i;
    at = all.find(';', at) + 1;
  }
  EXPECT_EQ(all.substr(at), "end");
}

TEST_P(ConnectionTest, TheRestOfTheOutboxGoesOutWhenTheClientReadsAgain) {
  std::promise<bool> stuck;
  serve([&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    // Fills the kernel's buffers without waiting, then leaves a message in the outbox.
    const std::string piece(64 * 1024, 'x');
    std::string_view first = piece;
    std::string_view none;
    while (connection.write_now(first, none)) first = piece;
    connection.outbox() += "tail";
    connection.send_soon();
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, Executor>
        pause(connection.loop().executor(), 20ms);
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(kAwait, ignored));
    stuck.set_value(connection.output_waits());
    (void)co_await connection.read_more();
  });
  const auto client = connect();
  ASSERT_TRUE(client->send("go"));
  EXPECT_TRUE(stuck.get_future().get());
  const std::string all = client->read_until("tail");
  EXPECT_TRUE(all.ends_with("xtail"));
}

TEST_P(ConnectionTest, BytesThatComeWithTheEndAreReadBeforeIt) {
  std::promise<std::string> seen;
  serve([&](Connection& connection) -> Task<void> {
    std::string log;
    for (;;) {
      const Io io = co_await connection.read_more();
      log += connection.input();
      connection.consume(connection.input().size());
      if (io == Io::ok) continue;
      log += io == Io::closed ? "|closed" : "|?";
      break;
    }
    seen.set_value(log);
  });
  {
    const auto client = connect();
    ASSERT_TRUE(client->send("last words"));
    client->tell_end();
    // Else the bytes are lost to a reset where the client has not read its session tickets.
    EXPECT_EQ(client->read_to_end(), "");
  }
  EXPECT_EQ(seen.get_future().get(), "last words|closed");
}

TEST_P(ConnectionTest, AfterADeadlineOfReadsAnAnswerCanStillBeWritten) {
  std::promise<std::pair<Io, Io>> ends;
  serve([&](Connection& connection) -> Task<void> {
    connection.read_deadline_in(0ns);
    Io read = Io::ok;
    while (read == Io::ok) read = co_await connection.read_more();
    connection.deadline_in(10s);
    const Io write = co_await connection.write("too late");
    connection.shut_down_writing();
    ends.set_value({read, write});
  });
  const auto client = connect();
  ASSERT_TRUE(client->send("go"));
  EXPECT_EQ(ends.get_future().get(), (std::pair{Io::timed_out, Io::ok}));
  EXPECT_EQ(client->read_to_end(), "too late");
}

TEST_P(ConnectionTest, ADeadlineEndsAReadAndAWrite) {
  std::promise<std::pair<Io, Io>> ends;
  serve([&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    connection.deadline_in(0ns);
    const std::string much(1024 * 1024, 'x');
    Io write = Io::ok;
    while (write == Io::ok) write = co_await connection.write(much);
    const Io read = co_await connection.read_more();
    ends.set_value({read, write});
  });
  const auto client = connect();
  ASSERT_TRUE(client->send("go"));
  EXPECT_EQ(ends.get_future().get(), (std::pair{Io::timed_out, Io::timed_out}));
}

TEST_P(ConnectionTest, AnAbortEndsAReadThatWaits) {
  std::promise<Io> end;
  serve([&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    connection.consume(connection.input().size());
    connection.loop().post([&connection] { connection.abort(); });
    end.set_value(co_await connection.read_more());
  });
  const auto client = connect();
  ASSERT_TRUE(client->send("go"));
  EXPECT_EQ(end.get_future().get(), GetParam() == Wire::tls ? Io::failed : Io::closed);
}

TEST_P(PoolTest, AnIdleUpstreamThatSaysWhatNobodyAskedForIsNotUsedAgain) {
  std::promise<void> unasked;
  serve([&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    (void)co_await connection.write("extra");
    unasked.set_value();
    (void)co_await connection.read_more();
    (void)co_await connection.read_more();
  });
  testing::Targets targets;
  UpstreamTarget& target = targets.at("http://127.0.0.1:" + std::to_string(port()));
  UpstreamPool pool((*loops_)[0], targets.names);
  std::promise<std::string> seen;
  const auto work = [&]() -> Task<void> {
    Loop& loop = (*loops_)[0];
    auto made = co_await pool.connect(target, 5s);
    if (!made) {
      seen.set_value(made.error().text());
      co_return;
    }
    pool.put_back(target, std::move(made).value(), loop.steady());
    auto again = pool.take_idle(target, loop.steady());
    std::string log = again ? "kept " : "dropped ";
    if (again) {
      (void)co_await again->write("go");  // whose answer is left unread
      pool.put_back(target, std::move(again), loop.steady());
    }
    while (pool.idle() > 0) {
      asio::basic_waitable_timer<std::chrono::steady_clock,
                                 asio::wait_traits<std::chrono::steady_clock>, Executor>
          pause(loop.executor(), 20ms);
      boost::system::error_code ignored;
      co_await pause.async_wait(asio::redirect_error(kAwait, ignored));
      auto third = pool.take_idle(target, loop.steady());
      log += third ? "kept" : "dropped";
      break;
    }
    pool.clear();
    seen.set_value(log);
  };
  (*loops_)[0].spawn(work());
  unasked.get_future().get();
  EXPECT_EQ(seen.get_future().get(), "kept dropped");
}

TEST_P(ConnectionTest, AClientWithMuchToReadLeavesTheLoopToOthers) {
  constexpr int kReads = 12;
  std::atomic<int> reads{0};
  std::promise<int> reads_before_ping;
  serve([&](Connection& connection) -> Task<void> {
    // Until all of the first client's bytes are there: then no read of it has to wait.
    std::this_thread::sleep_for(50ms);
    for (;;) {
      const Io io = co_await connection.read_more();
      if (io != Io::ok) co_return;
      if (connection.input() == "ping") reads_before_ping.set_value(reads);
      connection.consume(connection.input().size());
      ++reads;
      std::this_thread::sleep_for(5ms);
    }
  });
  const auto much = connect();
  ASSERT_TRUE(much->send(std::string(kReads * Connection::kInitialBuffer, 'x')));
  while (reads == 0) std::this_thread::sleep_for(1ms);
  const auto little = connect();
  ASSERT_TRUE(little->send("ping"));
  EXPECT_LT(reads_before_ping.get_future().get(), kReads);
  loops_->stop();  // before what the coroutines count in goes
}

TEST_P(ConnectionTest, WhoWaitsWhenTheLoopGoesIsEnded) {
  struct Told {
    std::atomic<int>& ended;
    ~Told() { ++ended; }
  };
  std::atomic<int> ended{0};
  std::atomic<int> begun{0};
  serve([&](Connection& connection) -> Task<void> {
    const Told told{ended};
    ++begun;
    (void)co_await connection.read_more();
  });
  const auto one = connect();
  const auto two = connect();
  while (begun < 2) std::this_thread::sleep_for(1ms);
  loops_->stop();
  EXPECT_EQ(ended, 0);
  listener_.reset();
  loops_ = std::make_unique<Loops>(1, system_clock());
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace davy::net
