#include "mechanisms/net/probe.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace davy::net {
namespace {

using namespace std::chrono_literals;

// Answers one request with `answer` and ends the connection; silent when it is empty.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* const raw = &at;
    socklen_t size = sizeof at;
    EXPECT_EQ(bind(fd_, static_cast<sockaddr*>(raw), size), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    EXPECT_EQ(getsockname(fd_, static_cast<sockaddr*>(raw), &size), 0);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] { serve(answer); });
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;
  ~OneAnswer() {
    thread_.join();
    close(fd_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Only after the answer has come.
  [[nodiscard]] const std::string& asked() const { return asked_; }

 private:
  void serve(const std::string& answer) {
    const int peer = accept(fd_, nullptr, nullptr);
    char part[512];
    while (asked_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = recv(peer, part, sizeof part, 0);
      if (got <= 0) break;
      asked_.append(part, static_cast<std::size_t>(got));
    }
    if (answer.empty()) {
      while (recv(peer, part, sizeof part, 0) > 0) {
      }
    } else {
      EXPECT_EQ(send(peer, answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
    }
    close(peer);
  }

  int fd_;
  std::uint16_t port_ = 0;
  std::string asked_;
  std::thread thread_;
};

Result<ProbeAnswer> ask(const std::string& host, std::uint16_t port,
                        std::chrono::milliseconds patience = 10s) {
  return probe(Endpoint{host, port, {}}, "/readyz", patience, system_clock());
}

TEST(Probe, GivesStatusAndBody) {
  OneAnswer server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 8\r\n\r\nloading\n");
  const auto answer = ask("127.0.0.1", server.port());
  ASSERT_TRUE(answer.ok()) << answer.error().text();
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "loading\n");
  EXPECT_EQ(server.asked(), "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:" +
                                std::to_string(server.port()) + "\r\nConnection: close\r\n\r\n");
}

TEST(Probe, ReachesAnUnspecifiedAddressOverLoopback) {
  OneAnswer server("HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_TRUE(ask("0.0.0.0", server.port()).ok());
}

TEST(Probe, AStrangerIsNoAnswer) {
  for (const char* const said : {"SSH-2.0-someone\r\n\r\n", "HTTP/1.1 200 OK\r\n", "\n"}) {
    OneAnswer server(said);
    const auto answer = ask("127.0.0.1", server.port());
    ASSERT_FALSE(answer.ok()) << said;
    EXPECT_NE(answer.error().text().find("not as davy would"), std::string::npos);
  }
  OneAnswer endless("HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, 'x'));
  EXPECT_FALSE(ask("127.0.0.1", endless.port()).ok());
}

TEST(Probe, NobodyThereIsSaidWithTheAddress) {
  const auto nobody = ask("127.0.0.1", 1);
  ASSERT_FALSE(nobody.ok());
  EXPECT_NE(nobody.error().text().find("http://127.0.0.1:1: does not answer"), std::string::npos);
  EXPECT_FALSE(ask("some.host", 1).ok());
}

TEST(Probe, WaitsNoLongerThanItsPatience) {
  OneAnswer silent("");
  const auto answer = ask("127.0.0.1", silent.port(), 50ms);
  ASSERT_FALSE(answer.ok());
  EXPECT_NE(answer.error().text().find("timed out"), std::string::npos) << answer.error().text();
}

}  // namespace
}  // namespace davy::net
