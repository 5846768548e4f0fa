// TLS handshakes and streams over real sockets: what is let in, what is refused and how it
// is said. What plain connections do as well is in connection_test.cc.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "mechanisms/net/connection.h"
#include "mechanisms/net/listener.h"
#include "mechanisms/net/tls.h"
#include "mechanisms/net/tls_for_tests.h"

namespace davy::net {
namespace {

using testing::Authority;
using testing::Pair;
using testing::TlsTestClient;
using testing::Wanted;
using namespace std::chrono_literals;

const Authority& authority() {
  static const Authority made;
  return made;
}

TlsServer server_of(const Pair& own, const std::string& clients = "") {
  auto made = TlsServer::create({own.certificate, own.key, clients},
                                {"s.pem", "s.key", clients.empty() ? "" : "c.pem"});
  EXPECT_TRUE(made) << made.error().text();
  return std::move(made).value();
}

TlsClient client_of(const std::string& ca, const Pair& own = {}, bool verify = true) {
  UpstreamTls names;
  if (!ca.empty()) names.ca = "ca.pem";
  if (!own.certificate.empty()) names.certificate = "c.pem", names.key = "c.key";
  names.verify = verify;
  auto made = TlsClient::create({own.certificate, own.key, ca}, names);
  EXPECT_TRUE(made) << made.error().text();
  return std::move(made).value();
}

Task<void> pause(Loop& loop, std::chrono::milliseconds time) {
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>, Executor>
      timer(loop.executor(), time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(kAwait, ignored));
}

class TlsTest : public ::testing::Test {
 protected:
  using Body = std::function<Task<void>(Connection&)>;

  // Two loops: 0 serves, 1 is where connections to it are made.
  void serve(TlsServer server, Body body) {
    server_.emplace(std::move(server));
    body_ = std::move(body);
    auto bound = Listener::bind(Endpoint{"127.0.0.1", 0, {}}, loops_, 1);
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    listener_ = std::move(bound).value();
    listener_->start([this](std::unique_ptr<Connection> connection) {
      return hold(std::move(connection), *this);
    });
    loops_.start();
  }
  void TearDown() override { loops_.stop(); }
  [[nodiscard]] std::uint16_t port() const { return listener_->endpoint().port; }

  static Task<void> hold(std::unique_ptr<Connection> connection, TlsTest& test) {
    connection->deadline_in(test.handshake_time_);
    const auto secured = co_await connection->accept_tls(*test.server_);
    if (!secured) {
      if (!test.told_.exchange(true)) test.refused_.set_value(secured.error());
      // The alert is lost to a reset where bytes were left unread.
      connection->shut_down_writing();
      for (;;) {
        const Io more = co_await connection->read_more();
        if (more != Io::ok) break;
        connection->consume(connection->input().size());
      }
      co_return;
    }
    connection->no_deadline();
    co_await test.body_(*connection);
  }

  // Connects as davy does to an upstream and gives what `body` says, or the error.
  using Talk = std::function<Task<std::string>(Connection&)>;
  std::string call(const TlsClient& client, const std::string& host, Talk talk) {
    std::promise<std::string> out;
    const auto work = [&]() -> Task<void> {
      Loop& loop = loops_[1];
      Socket socket(loop.executor());
      boost::system::error_code error;
      co_await socket.async_connect({asio::ip::make_address("127.0.0.1"), port()},
                                    asio::redirect_error(kAwait, error));
      std::string said = error.message();
      if (!error) {
        Connection connection(std::move(socket), loop);
        connection.deadline_in(10s);
        const auto secured = co_await connection.connect_tls(client, host);
        said = secured ? std::string() : secured.error().text();
        if (secured) said = co_await talk(connection);
      }
      out.set_value(said);
    };
    loops_[1].spawn(work());
    return out.get_future().get();
  }
  std::string call(const TlsClient& client, const std::string& host = "localhost") {
    return call(client, host, [](Connection& connection) -> Task<std::string> {
      const Io sent = co_await connection.write("hello");
      if (sent != Io::ok) co_return std::string("write failed");
      const Io io = co_await connection.read_more();
      if (io == Io::ok) co_return std::string(connection.input());
      const auto why = connection.tls_trouble();
      co_return why ? why->text() : std::string("ended");
    });
  }

  static Task<void> echo(Connection& connection) {
    for (;;) {
      const Io more = co_await connection.read_more();
      if (more != Io::ok) break;
      const std::string seen(connection.input());
      connection.consume(seen.size());
      const Io sent = co_await connection.write(seen);
      if (sent != Io::ok) co_return;
    }
    connection.shut_down_writing();
  }

  Loops loops_{2, system_clock()};
  std::optional<TlsServer> server_;
  std::chrono::nanoseconds handshake_time_ = 10s;
  std::promise<Error> refused_;  // the first
  std::atomic<bool> told_{false};
  Body body_;
  std::unique_ptr<Listener> listener_;
};

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(TlsTest, ServesAnybodysClientInBothVersions) {
  serve(server_of(authority().issue()), echo);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsTestClient client(port(), {.version = version});
    ASSERT_TRUE(client.connected()) << client.error();
    EXPECT_EQ(SSL_version(client.ssl()), version);
    ASSERT_TRUE(client.send("ping"));
    EXPECT_EQ(client.read_until("ping"), "ping");
  }
}

TEST_F(TlsTest, RefusesOldVersions) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    if (!listener_) serve(server_of(authority().issue()), echo);
    TlsTestClient client(port(), {.version = version});
    EXPECT_FALSE(client.connected());
    EXPECT_TRUE(holds(client.error(), "alert protocol version")) << client.error();
    const Error why = refused_.get_future().get();
    EXPECT_TRUE(holds(why.message, "neither TLS 1.2 nor 1.3")) << why.text();
    refused_ = {};
    told_ = false;
  }
}

TEST_F(TlsTest, ChoosesHttp11AndNothingElse) {
  serve(server_of(authority().issue()), echo);
  TlsTestClient both(port(), {.alpn = "\x02h2\x08http/1.1"});
  ASSERT_TRUE(both.connected()) << both.error();
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.ssl(), &name, &size);
  EXPECT_EQ(std::string(name, name + size), "http/1.1");
  TlsTestClient other(port(), {.alpn = "\x02h2"});
  EXPECT_FALSE(other.connected());
  EXPECT_TRUE(holds(other.error(), "no application protocol")) << other.error();
}

TEST_F(TlsTest, KnowsAPlainRequestWhenItSeesOne) {
  serve(server_of(authority().issue()), echo);
  testing::Client client(port());
  ASSERT_TRUE(client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  client.tell_end();
  const Error why = refused_.get_future().get();
  EXPECT_TRUE(holds(why.text(), "plain HTTP")) << why.text();
  EXPECT_TRUE(holds(why.hint, "https://")) << why.text();
}

TEST_F(TlsTest, ASilentClientIsLetGo) {
  handshake_time_ = 0s;
  serve(server_of(authority().issue()), echo);
  testing::Client client(port());
  const Error why = refused_.get_future().get();
  EXPECT_TRUE(holds(why.message, "took too long")) << why.text();
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(TlsTest, ClientCertificatesAreDemanded) {
  const Authority clients("clients");
  serve(server_of(authority().issue(), clients.pem()), echo);
  EXPECT_EQ(call(client_of(authority().pem(), clients.issue())), "hello");
}

TEST_F(TlsTest, AClientWithoutACertificateIsTold) {
  const Authority clients("clients");
  serve(server_of(authority().issue(), clients.pem()), echo);
  const std::string said = call(client_of(authority().pem()));
  EXPECT_TRUE(holds(said, "asks for a client certificate")) << said;
  const Error why = refused_.get_future().get();
  EXPECT_TRUE(holds(why.message, "showed no certificate")) << why.text();
}

TEST_F(TlsTest, AClientOfAnotherAuthorityIsTold) {
  const Authority clients("clients");
  serve(server_of(authority().issue(), clients.pem()), echo);
  const std::string said = call(client_of(authority().pem(), authority().issue()));
  EXPECT_TRUE(holds(said, "does not know the authority of our certificate")) << said;
  const Error why = refused_.get_future().get();
  EXPECT_TRUE(holds(why.message, "the certificate of the client is not accepted")) << why.text();
}

TEST_F(TlsTest, AnExpiredClientCertificateIsRefused) {
  const Authority clients("clients");
  serve(server_of(authority().issue(), clients.pem()), echo);
  Wanted old;
  old.from_days = -3;
  old.until_days = -1;
  const std::string said = call(client_of(authority().pem(), clients.issue(old)));
  EXPECT_TRUE(holds(said, "does not accept our certificate")) << said;
  const Error why = refused_.get_future().get();
  EXPECT_TRUE(holds(why.message, "expired")) << why.text();
}

TEST_F(TlsTest, AnUpstreamOfAnUnknownAuthorityIsRefused) {
  const Authority other("other");
  serve(server_of(authority().issue()), echo);
  const std::string said = call(client_of(other.pem()));
  EXPECT_TRUE(holds(said, "the certificate of localhost is not accepted")) << said;
  EXPECT_TRUE(holds(said, "authority that signed it")) << said;
  EXPECT_FALSE(holds(call(client_of("")), "hello"));  // nor by the system's
}

TEST_F(TlsTest, AnUpstreamWithAnotherNameIsRefused) {
  Wanted wanted;
  wanted.names = "DNS:api.example.com,DNS:*.example.org";
  serve(server_of(authority().issue(wanted)), echo);
  const TlsClient client = client_of(authority().pem());
  EXPECT_EQ(call(client, "api.example.com"), "hello");
  EXPECT_EQ(call(client, "a.example.org"), "hello");
  for (const std::string host : {"localhost", "a.b.example.org", "example.org", "127.0.0.1"}) {
    const std::string said = call(client, host);
    EXPECT_TRUE(holds(said, "mismatch")) << said;
    EXPECT_TRUE(holds(said, "it is made out to api.example.com, *.example.org")) << said;
  }
}

TEST_F(TlsTest, AnUpstreamIsKnownByItsAddressToo) {
  serve(server_of(authority().issue()), echo);
  EXPECT_EQ(call(client_of(authority().pem()), "127.0.0.1"), "hello");
  const std::string said = call(client_of(authority().pem()), "127.0.0.2");
  EXPECT_TRUE(holds(said, "IP address mismatch")) << said;
}

TEST_F(TlsTest, ACommonNameIsNoName) {
  Wanted wanted;
  wanted.names.clear();
  wanted.common_name = "localhost";
  serve(server_of(authority().issue(wanted)), echo);
  const std::string said = call(client_of(authority().pem()));
  EXPECT_TRUE(holds(said, "ostname mismatch")) << said;
}

TEST_F(TlsTest, AnExpiredUpstreamIsRefused) {
  Wanted old;
  old.from_days = -3;
  old.until_days = -1;
  serve(server_of(authority().issue(old)), echo);
  const std::string said = call(client_of(authority().pem()));
  EXPECT_TRUE(holds(said, "has expired")) << said;
}

TEST_F(TlsTest, WhoSaysNotToVerifyIsObeyed) {
  serve(server_of(authority().issue()), echo);
  EXPECT_EQ(call(client_of("", {}, false), "elsewhere.example"), "hello");
}

// An end that the other side did not announce may be anybody's work.
TEST_F(TlsTest, ATruncatedStreamIsNotAnEnd) {
  std::atomic<bool> orderly{false};
  serve(server_of(authority().issue()), [&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    (void)co_await connection.write("half of an ans");
    if (orderly) connection.shut_down_writing();
    // else the socket is closed under it
  });
  const Talk read_all = [](Connection& connection) -> Task<std::string> {
    (void)co_await connection.write("go");
    Io io = Io::ok;
    while (io == Io::ok) io = co_await connection.read_more();
    const auto again = co_await connection.read_more();
    EXPECT_EQ(io, again);
    co_return std::string(connection.input()) + (io == Io::closed   ? "|closed"
                                                 : io == Io::failed ? "|failed"
                                                                    : "|?");
  };
  const TlsClient client = client_of(authority().pem());
  EXPECT_EQ(call(client, "localhost", read_all), "half of an ans|failed");
  orderly = true;
  EXPECT_EQ(call(client, "localhost", read_all), "half of an ans|closed");
}

TEST_F(TlsTest, WhoHasEndedItsSideIsStillAnswered) {
  serve(server_of(authority().issue()), [](Connection& connection) -> Task<void> {
    std::string all;
    for (;;) {
      const Io more = co_await connection.read_more();
      if (more != Io::ok) break;
      all += connection.input();
      connection.consume(connection.input().size());
    }
    (void)co_await connection.write("seen: ", all);
    connection.shut_down_writing();
  });
  TlsTestClient client(port());
  ASSERT_TRUE(client.send("all of it"));
  client.tell_end();
  EXPECT_EQ(client.read_to_end(), "seen: all of it");
  EXPECT_TRUE(client.told_end());
}

TEST_F(TlsTest, SixteenMegabytesBothWaysToASlowReader) {
  constexpr std::size_t kSize = 16 * 1024 * 1024;
  serve(server_of(authority().issue()), [](Connection& connection) -> Task<void> {
    std::string all;
    while (all.size() < kSize) {
      const Io io = co_await connection.read_more();
      if (io != Io::ok) co_return;
      all += connection.input();
      connection.consume(connection.input().size());
    }
    (void)co_await connection.write("", all);
    connection.shut_down_writing();
  });
  std::string sent;
  sent.reserve(kSize);
  for (std::size_t i = 0; sent.size() < kSize; ++i) sent += std::to_string(i) + ",";
  sent.resize(kSize);
  const std::string got = call(client_of(authority().pem()), "localhost",
                               [&](Connection& connection) -> Task<std::string> {
                                 std::string_view first = std::string_view(sent).substr(0, 100);
                                 std::string_view second = std::string_view(sent).substr(100);
                                 if (!connection.write_now(first, second))
                                   (void)co_await connection.write(first, second);
                                 co_await pause(connection.loop(), 100ms);
                                 std::string all;
                                 for (int reads = 0;; ++reads) {
                                   const Io more = co_await connection.read_more();
                                   if (more != Io::ok) break;
                                   all += connection.input();
                                   connection.consume(connection.input().size());
                                   if (reads % 512 == 0) co_await pause(connection.loop(), 2ms);
                                 }
                                 co_return all;
                               });
  ASSERT_EQ(got.size(), kSize);
  EXPECT_TRUE(got == sent);
}

TEST_F(TlsTest, EverySplitOfAMessageArrivesWhole) {
  serve(server_of(authority().issue()), echo);
  const std::string text = "0123456789abcdef";
  const std::string said = call(client_of(authority().pem()), "localhost",
                                [&](Connection& connection) -> Task<std::string> {
                                  for (std::size_t a = 0; a <= text.size(); ++a) {
                                    for (std::size_t b = a; b <= text.size(); ++b) {
                                      const std::string_view whole = text;
                                      connection.outbox() += whole.substr(0, a);
                                      connection.send_soon();
                                      std::string_view first = whole.substr(a, b - a);
                                      std::string_view second = whole.substr(b);
                                      if (!connection.write_now(first, second)) {
                                        const Io sent = co_await connection.write(first, second);
                                        if (sent != Io::ok) co_return std::string("write");
                                      }
                                      while (connection.input().size() < text.size()) {
                                        const Io io = co_await connection.read_more();
                                        if (io != Io::ok) co_return std::string("read");
                                      }
                                      if (connection.input() != text)
                                        co_return std::string(connection.input());
                                      connection.consume(text.size());
                                    }
                                  }
                                  co_return std::string("whole");
                                });
  EXPECT_EQ(said, "whole");
}

// A client that is handed session tickets after the handshake has sent nothing.
TEST_F(TlsTest, TicketsDoNotMakeAnIdleConnectionUseless) {
  serve(server_of(authority().issue()), [](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    (void)co_await connection.write("unasked");
    (void)co_await connection.read_more();
  });
  const std::string said = call(
      client_of(authority().pem()), "localhost", [&](Connection& connection) -> Task<std::string> {
        co_await pause(connection.loop(), 50ms);
        std::string log = connection.usable_while_idle() ? "usable " : "not usable ";
        (void)co_await connection.write("go");
        while (connection.usable_while_idle()) co_await pause(connection.loop(), 5ms);
        log += "then not";
        co_return log;
      });
  EXPECT_EQ(said, "usable then not");
}

TEST_F(TlsTest, WhoLeavesIsSeen) {
  std::promise<std::string> seen;
  serve(server_of(authority().issue()), [&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    std::string log = connection.peer_ended() ? "ended " : "there ";
    (void)co_await connection.write("go");
    while (!connection.peer_ended()) co_await pause(connection.loop(), 5ms);
    seen.set_value(log + "left");
  });
  {
    TlsTestClient client(port());
    ASSERT_TRUE(client.send("hello"));
    EXPECT_EQ(client.read_until("go"), "go");
    client.tell_end();
  }
  EXPECT_EQ(seen.get_future().get(), "there left");
}

TEST_F(TlsTest, AResetFailsAtOnce) {
  std::promise<Io> seen;
  serve(server_of(authority().issue()), [&](Connection& connection) -> Task<void> {
    (void)co_await connection.read_more();
    (void)co_await connection.write("go");
    seen.set_value(co_await connection.read_more());
  });
  {
    TlsTestClient client(port());
    ASSERT_TRUE(client.send("hello"));
    EXPECT_EQ(client.read_until("go"), "go");
    const linger at_once{1, 0};
    ::setsockopt(SSL_get_fd(client.ssl()), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  EXPECT_EQ(seen.get_future().get(), Io::failed);
}

// As behind a PROXY protocol header, or a CONNECT that a proxy has answered.
TEST_F(TlsTest, WhatWasReadBeforeTheHandshakeIsItsBegin) {
  constexpr std::string_view kLine = "PROXY UNKNOWN\r\n";
  const TlsServer server = server_of(authority().issue());
  auto bound = Listener::bind(Endpoint{"127.0.0.1", 0, {}}, loops_, 1);
  ASSERT_TRUE(bound.ok());
  listener_ = std::move(bound).value();
  const auto behind_line = [&](std::unique_ptr<Connection> connection) -> Task<void> {
    // So that the begin of the handshake has come together with the line.
    std::this_thread::sleep_for(50ms);
    (void)co_await connection->read_more();
    EXPECT_GT(connection->input().size(), kLine.size());
    connection->consume(kLine.size());
    const auto secured = co_await connection->accept_tls(server);
    EXPECT_TRUE(secured) << secured.error().text();
    if (secured) co_await echo(*connection);
  };
  listener_->start(behind_line);
  loops_.start();
  TlsTestClient client(port(), {.before = std::string(kLine)});
  ASSERT_TRUE(client.connected()) << client.error();
  ASSERT_TRUE(client.send("ping"));
  EXPECT_EQ(client.read_until("ping"), "ping");
}

TEST_F(TlsTest, GarbageInsteadOfARecordFails) {
  std::promise<Io> seen;
  serve(server_of(authority().issue()), [&](Connection& connection) -> Task<void> {
    seen.set_value(co_await connection.read_more());
  });
  TlsTestClient client(port());
  ASSERT_TRUE(client.connected());
  const std::string garbage = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::send(SSL_get_fd(client.ssl()), garbage.data(), garbage.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(garbage.size()));
  EXPECT_EQ(seen.get_future().get(), Io::failed);
}

}  // namespace
}  // namespace davy::net
