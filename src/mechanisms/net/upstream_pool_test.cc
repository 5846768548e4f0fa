#include "mechanisms/net/upstream_pool.h"

#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "mechanisms/net/connect.h"
#include "mechanisms/net/upstream_for_tests.h"

namespace davy::net {
namespace {

using namespace std::chrono_literals;
using testing::on_loop;
using testing::Targets;

// Accepts one connection after the other and hands each to `serve`.
class Server {
 public:
  using Serve = std::function<void(int fd)>;
  Server(const std::string& address, Serve serve) : serve_(std::move(serve)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    inet_pton(AF_INET, address.c_str(), &in.sin_addr);
    start(AF_INET, static_cast<sockaddr*>(static_cast<void*>(&in)), sizeof in);
    socklen_t size = sizeof in;
    getsockname(fd_, static_cast<sockaddr*>(static_cast<void*>(&in)), &size);
    port_ = ntohs(in.sin_port);
  }
  // On a Unix socket.
  struct At {
    std::string path;
  };
  Server(const At& at, Serve serve) : serve_(std::move(serve)) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    std::copy(at.path.begin(), at.path.end(), un.sun_path);
    start(AF_UNIX, static_cast<sockaddr*>(static_cast<void*>(&un)), sizeof un);
  }
  ~Server() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void start(int family, const sockaddr* address, socklen_t size) {
    fd_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(fd_, address, size) != 0 || ::listen(fd_, 16) != 0) std::abort();
    thread_ = std::thread([this] {
      for (;;) {
        const int fd = ::accept(fd_, nullptr, nullptr);
        if (fd < 0) return;
        serve_(fd);
        ::close(fd);
      }
    });
  }
  int fd_ = -1;
  std::uint16_t port_ = 0;
  Serve serve_;
  std::thread thread_;
};

std::string read_some(int fd) {
  char buffer[4096];
  const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
  return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : "";
}
std::string read_head(int fd) {
  std::string all;
  while (all.find("\r\n\r\n") == std::string::npos) {
    const std::string more = read_some(fd);
    if (more.empty()) break;
    all += more;
  }
  return all;
}
void write(int fd, std::string_view text) {
  (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

Addresses addresses(std::vector<const char*> texts) {
  Addresses out;
  for (const char* text : texts) out.push_back(*parse_address(text));
  return out;
}

class PoolTest : public ::testing::Test {
 protected:
  PoolTest() { loops_.start(); }
  ~PoolTest() override { loops_.stop(); }

  // What a new connection reads first, or why there is none.
  std::string greeting(UpstreamPool& pool, UpstreamTarget& target,
                       std::chrono::nanoseconds time = 30s) {
    return on_loop<std::string>(loops_[0], [&]() -> Task<std::string> {
      auto made = co_await pool.connect(target, time);
      if (!made) co_return made.error().text();
      (void)co_await (*made)->read_more();
      co_return std::string((*made)->input());
    });
  }

  Loops loops_{1, system_clock()};
};

TEST_F(PoolTest, OfSeveralAddressesTheFirstThatAnswersServes) {
  const Server server("127.0.0.3", [](int fd) { write(fd, "here"); });
  // Nobody listens on the first two; those of 192.0.2.0/24 would never answer.
  Targets targets([](const std::string&) {
    return addresses({"127.0.0.1", "127.0.0.2", "127.0.0.3"});
  });
  UpstreamPool pool(loops_[0], targets.names);
  EXPECT_EQ(greeting(pool, targets.at("http://model.example:" + std::to_string(server.port()))),
            "here");
}

TEST_F(PoolTest, AnAddressThatNeverAnswersHoldsTheNextUpForAMomentOnly) {
  // A listener whose queue is full: the kernel drops what else comes.
  const int full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  inet_pton(AF_INET, "127.0.0.4", &in.sin_addr);
  auto* address = static_cast<sockaddr*>(static_cast<void*>(&in));
  socklen_t size = sizeof in;
  const Server server("127.0.0.5", [](int fd) { write(fd, "here"); });
  in.sin_port = htons(server.port());
  ASSERT_EQ(::bind(full, address, size), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  std::vector<int> fill;
  for (int i = 0; i < 4; ++i) {
    fill.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(fill.back(), address, size);
  }
  Targets targets([](const std::string&) { return addresses({"127.0.0.4", "127.0.0.5"}); });
  UpstreamPool pool(loops_[0], targets.names);
  EXPECT_EQ(greeting(pool, targets.at("http://model.example:" + std::to_string(server.port()))),
            "here");
  // Alone, it is given up when the time is over.
  const std::string text =
      greeting(pool, targets.at("http://127.0.0.4:" + std::to_string(server.port())), 50ms);
  EXPECT_NE(text.find("no answer in time"), std::string::npos) << text;
  for (const int fd : fill) ::close(fd);
  ::close(full);
}

TEST_F(PoolTest, AUnixSocketIsAnUpstreamLikeAnother) {
  std::string folder = (std::filesystem::temp_directory_path() / "davy-test-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/model.sock";
  {
    const Server server(Server::At{path}, [](int fd) { write(fd, "over the socket"); });
    Targets targets;
    UpstreamPool pool(loops_[0], targets.names);
    EXPECT_EQ(greeting(pool, targets.at("unix:" + path + ":/v1")), "over the socket");
    const std::string text = greeting(pool, targets.at("unix:" + folder + "/nobody"));
    EXPECT_NE(text.find("unix:" + folder + "/nobody"), std::string::npos) << text;
  }
  std::filesystem::remove_all(folder);
}

TEST_F(PoolTest, AConnectionToAnAddressThatTheNameLostIsNotUsedAgain) {
  const Server server("127.0.0.1", [](int fd) {
    write(fd, "here");
    (void)read_some(fd);
  });
  testing::HandClock clock;
  std::atomic<bool> moved{false};
  Targets targets(
      [&](const std::string&) { return addresses({moved ? "127.0.0.2" : "127.0.0.1"}); }, {},
      clock);
  UpstreamPool pool(loops_[0], targets.names);
  UpstreamTarget& target = targets.at("http://model.example:" + std::to_string(server.port()));
  const std::string seen = on_loop<std::string>(loops_[0], [&]() -> Task<std::string> {
    std::string log;
    const SteadyTime now = loops_[0].now().steady;
    auto made = co_await pool.connect(target, 30s);
    if (!made) co_return made.error().text();
    auto connection = std::move(made).value();
    (void)co_await connection->read_more();
    connection->consume(connection->input().size());
    pool.put_back(target, std::move(connection), now);
    connection = pool.take_idle(target, now);
    log += connection ? "kept " : "gone ";
    // While it is in use.
    const std::uint32_t before = target.generation();
    moved = true;
    clock.advance(NameCache::kFresh);
    targets.names.refresh("model.example");
    while (target.generation() == before) std::this_thread::yield();
    if (connection) pool.put_back(target, std::move(connection), now);
    log += pool.take_idle(target, now) ? "kept" : "gone";
    co_return log;
  });
  EXPECT_EQ(seen, "kept gone");
}

TEST_F(PoolTest, WhatIsIdleForLongIsEndedAndTheMetricsCount) {
  const Server server("127.0.0.1", [](int fd) { (void)read_some(fd); });
  Targets targets;
  UpstreamPool pool(loops_[0], targets.names);
  UpstreamTarget& target = targets.at("http://127.0.0.1:" + std::to_string(server.port()));
  const std::string label = target.label();
  const auto count = [&](const char* state) {
    const std::string line = "davy_upstream_connections{model=\"chat\",upstream=\"" + label +
                             "\",state=\"" + state + "\"} ";
    const std::string text = targets.metrics.prometheus_text();
    const std::size_t at = text.find(line);
    return at == std::string::npos ? std::string("?") : text.substr(at + line.size(), 1);
  };
  const std::string seen = on_loop<std::string>(loops_[0], [&]() -> Task<std::string> {
    std::string log;
    const SteadyTime now = loops_[0].now().steady;
    auto made = co_await pool.connect(target, 30s);
    if (!made) co_return made.error().text();
    {
      const auto used = pool.in_use(target);
      pool.sweep(now);
      log += count("active") + count("idle") + " ";
    }
    pool.put_back(target, std::move(made).value(), now);
    pool.sweep(now);
    log += count("active") + count("idle") + " ";
    pool.sweep(now + UpstreamPool::kIdleTime);
    log += count("active") + count("idle");
    co_return log;
  });
  EXPECT_EQ(seen, "10 01 00");
  EXPECT_EQ(pool.idle(), 0u);
}

// A proxy that answers each head with `answer` and then echoes.
std::string proxied(Loop& loop, const std::string& url, const std::string& answer,
                    std::string& heard) {
  const Server server("127.0.0.1", [&](int fd) {
    heard = read_head(fd);
    write(fd, answer);
    if (!answer.empty()) (void)read_some(fd);
  });
  const std::string proxy = "http://user:pass@127.0.0.1:" + std::to_string(server.port());
  auto settings =
      ProxySettings::read([&](const std::string&) -> std::optional<std::string> { return proxy; });
  Targets targets(&Resolver::system_lookup, std::move(settings).value());
  UpstreamPool pool(loop, targets.names);
  UpstreamTarget& target = targets.at(url);
  return on_loop<std::string>(loop, [&]() -> Task<std::string> {
    auto made = co_await pool.connect(target, 30s);
    co_return made ? std::string("connected") : made.error().text();
  });
}

TEST_F(PoolTest, AProxyIsAskedForAWayToATlsUpstream) {
  struct Case {
    const char* answer;
    const char* says;
  };
  for (const Case& each :
       {Case{"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
             "wants a login"},
        Case{"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", "with status 403"},
        Case{"SSH-2.0-x\r\n\r\n", "speaks no HTTP"}, Case{"", "ended the connection"},
        Case{"HTTP/1.0 200 Connection established\r\n\r\nunasked", "nobody asked for"}}) {
    std::string heard;
    const std::string text = proxied(loops_[0], "https://192.0.2.1", each.answer, heard);
    EXPECT_NE(text.find(each.says), std::string::npos) << text;
    EXPECT_NE(text.find("upstream 192.0.2.1:443 through the proxy 127.0.0.1"), std::string::npos)
        << text;
    EXPECT_EQ(text.find("pass"), std::string::npos) << text;
    EXPECT_TRUE(heard.starts_with("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: 192.0.2.1:443\r\n"))
        << heard;
    EXPECT_NE(heard.find("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"), std::string::npos)
        << heard;
  }
}

}  // namespace
}  // namespace davy::net
