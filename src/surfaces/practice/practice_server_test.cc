#include "surfaces/practice/practice_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "mechanisms/net/listener.h"
#include "mechanisms/net/loop.h"

namespace davy::practice {
namespace {

class PracticeServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bound = net::Listener::bind(Endpoint{"127.0.0.1", 0, {}}, loops_, loops_.size());
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    listener_ = std::move(bound).value();
    listener_->start(server_.serve());
    loops_.start();
  }
  void TearDown() override { loops_.stop(); }

  // Sends one request and reads until the server ends the connection.
  std::string ask(std::string_view method, std::string_view path, std::string_view body = {}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(listener_->endpoint().port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd, static_cast<sockaddr*>(static_cast<void*>(&to)), sizeof to), 0);
    std::string request(method);
    request.append(" ").append(path).append(" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    request.append(body);
    EXPECT_EQ(::send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    std::string answer;
    char part[4096];
    for (ssize_t got; (got = ::recv(fd, part, sizeof part, 0)) > 0;) {
      answer.append(part, static_cast<std::size_t>(got));
    }
    ::close(fd);
    return answer;
  }
  static bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  PracticeServer server_{std::chrono::milliseconds(1)};
  net::Loops loops_{2, system_clock()};
  std::unique_ptr<net::Listener> listener_;
};

TEST_F(PracticeServerTest, AnswersWhole) {
  const std::string answer =
      ask("POST", "/v1/chat/completions",
          R"({"model":"m","messages":[{"role":"user","content":"What is 2 * 21?"}]})");
  EXPECT_TRUE(has(answer, "HTTP/1.1 200")) << answer;
  EXPECT_TRUE(has(answer, "2 * 21 = 42")) << answer;
}

TEST_F(PracticeServerTest, StreamsToTheEnd) {
  const std::string answer = ask(
      "POST", "/v1/chat/completions",
      R"({"model":"m","stream":true,"messages":[{"role":"user","content":"What is the vault code?"}]})");
  EXPECT_TRUE(has(answer, "Content-Type: text/event-stream")) << answer;
  EXPECT_TRUE(has(answer, "\"finish_reason\":\"stop\"")) << answer;
  EXPECT_TRUE(has(answer, "data: [DONE]\n\n\r\n0\r\n\r\n")) << answer;
}

TEST_F(PracticeServerTest, RespondsWholeAndAsAStream) {
  const std::string whole =
      ask("POST", "/v1/responses", R"({"model":"m","input":"What is 2 * 21?"})");
  EXPECT_TRUE(has(whole, "\"text\":\"2 * 21 = 42\"")) << whole;
  const std::string stream = ask(
      "POST", "/v1/responses", R"({"model":"m","stream":true,"input":"What is the vault code?"})");
  EXPECT_TRUE(has(stream, "event: response.created\n")) << stream;
  EXPECT_TRUE(has(stream, "event: response.completed\n")) << stream;
  EXPECT_TRUE(has(stream, "PRACTICE-4711")) << stream;
}

TEST_F(PracticeServerTest, GivesVectors) {
  const std::string answer =
      ask("POST", "/v1/embeddings", R"({"model":"m","input":["a","b"],"dimensions":2})");
  EXPECT_TRUE(has(answer, "\"index\":1,\"embedding\":[")) << answer;
}

TEST_F(PracticeServerTest, CountsCalls) {
  EXPECT_TRUE(has(ask("GET", "/calls"), R"({"chat":0,"predict":0,"responses":0,"embeddings":0})"));
  (void)ask("POST", "/v1/chat/completions", "not JSON");
  (void)ask("POST", "/predict", R"({"amount":10})");
  (void)ask("POST", "/predict", R"({"amount":10})");
  (void)ask("POST", "/v1/responses", "not JSON");
  (void)ask("POST", "/v1/embeddings", "not JSON");
  EXPECT_TRUE(has(ask("GET", "/calls"), R"({"chat":1,"predict":2,"responses":1,"embeddings":1})"));
}

TEST_F(PracticeServerTest, ScoresAPayment) {
  const std::string answer = ask("POST", "/predict", R"({"amount":5000,"country":"XX","hour":3})");
  EXPECT_TRUE(has(answer, "{\"fraud_score\":0.9")) << answer;
}

TEST_F(PracticeServerTest, RefusesBadInputInTheFormOfTheApi) {
  const std::string bad = ask("POST", "/v1/chat/completions", "{");
  EXPECT_TRUE(has(bad, "HTTP/1.1 400")) << bad;
  EXPECT_TRUE(has(bad, "\"type\":\"invalid_request_error\"")) << bad;
  const std::string nowhere = ask("GET", "/nowhere");
  EXPECT_TRUE(has(nowhere, "HTTP/1.1 404")) << nowhere;
  EXPECT_TRUE(has(nowhere, "\"code\":\"unknown_url\"")) << nowhere;
}

TEST_F(PracticeServerTest, ListsItsModel) {
  EXPECT_TRUE(has(ask("GET", "/v1/models"), "\"id\":\"practice\""));
}

}  // namespace
}  // namespace davy::practice
