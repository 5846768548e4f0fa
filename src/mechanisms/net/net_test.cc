#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>

#include "mechanisms/net/http_server.h"
#include "mechanisms/net/listener.h"
#include "mechanisms/net/loop.h"
#include "mechanisms/net/testing.h"
#include "mechanisms/net/upstream_for_tests.h"
#include "mechanisms/net/worker_pool.h"

namespace davy::net {
namespace {

using testing::talk;

Endpoint any_port() { return Endpoint{"127.0.0.1", 0, {}}; }

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bound = Listener::bind(any_port(), loops_, loops_.size());
    ASSERT_TRUE(bound.ok()) << bound.error().text();
    listener_ = std::move(bound).value();
  }
  // A listener may go only while its loops stand still.
  void TearDown() override { loops_.stop(); }
  void serve(HttpHandler handler, HttpServerLimits limits = {}) {
    listener_->start(http_serve(std::move(handler), limits));
    loops_.start();
  }
  [[nodiscard]] std::uint16_t port() const { return listener_->endpoint().port; }

  Loops loops_{2, system_clock()};
  std::unique_ptr<Listener> listener_;
};

Task<void> echo(const HttpRequest& request, Responder& responder) {
  HttpResponse response;
  response.body = std::string(request.head.path()) + ":" + std::string(request.body);
  (void)co_await responder.send(response);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  serve(echo);
  const std::string answer =
      talk(port(),
           "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
           "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
           "GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto a = answer.find("/a:one");
  const auto b = answer.find("/b:two");
  const auto c = answer.find("/c:");
  ASSERT_NE(a, std::string::npos) << answer;
  ASSERT_NE(b, std::string::npos) << answer;
  ASSERT_NE(c, std::string::npos) << answer;
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
}

TEST_F(ServerTest, RefusesBadFramingAndCloses) {
  serve(echo);
  const std::string answer =
      talk(port(),
           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(answer.rfind("HTTP/1.1 400", 0), 0u) << answer;
}

TEST_F(ServerTest, RefusesABodyOverTheLimit) {
  HttpServerLimits limits;
  limits.body_bytes = 10;
  serve(echo, limits);
  const std::string answer =
      talk(port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nabcdefghijk");
  EXPECT_EQ(answer.rfind("HTTP/1.1 413", 0), 0u) << answer;
}

TEST_F(ServerTest, ASilentClientIsLetGo) {
  HttpServerLimits limits;
  limits.idle = std::chrono::seconds(0);
  serve(echo, limits);
  EXPECT_EQ(talk(port(), "GET / HT"), "");  // ends only because the server closes
}

TEST_F(ServerTest, StreamsInChunks) {
  serve([](const HttpRequest&, Responder& responder) -> Task<void> {
    (void)co_await responder.begin_stream("text/event-stream");
    (void)co_await responder.chunk("data: 1\n\n");
    (void)co_await responder.chunk("data: 2\n\n");
    (void)co_await responder.end_stream();
  });
  const std::string answer = talk(port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"), std::string::npos)
      << answer;
}

TEST_F(ServerTest, ASecondListenerOnThePortIsRefusedWithWhatToDo) {
  Endpoint taken = any_port();
  taken.port = port();
  const auto second = Listener::bind(taken, loops_, 1);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
  EXPECT_NE(second.error().text().find("choose another port"), std::string::npos);
}

// Runs a task on loop 0 and gives its result.
template <class T, class Make>
T on_loop(Loops& loops, Make make) {
  std::promise<T> promise;
  auto task = [](std::promise<T>& out, Make body) -> Task<void> { out.set_value(co_await body()); };
  loops[0].spawn(task(promise, std::move(make)));
  return promise.get_future().get();
}

TEST_F(ServerTest, ThePoolReusesAConnectionAndDropsADeadOne) {
  serve(echo);
  testing::Targets targets;
  UpstreamTarget& target = targets.at("http://127.0.0.1:" + std::to_string(port()));
  UpstreamPool pool(loops_[0], targets.names);
  const std::string seen = on_loop<std::string>(loops_, [&]() -> Task<std::string> {
    std::string log;
    const auto acquire = [&]() -> Task<std::unique_ptr<Connection>> {
      auto connection = pool.take_idle(target, loops_[0].now().steady);
      log += connection ? "reused " : "new ";
      if (connection) co_return connection;
      auto made = co_await pool.connect(target, std::chrono::seconds(5));
      if (made) co_return std::move(made).value();
      log += made.error().text();
      co_return nullptr;
    };
    auto first = co_await acquire();
    if (!first) co_return log;
    pool.put_back(target, std::move(first), loops_[0].now().steady);
    auto second = co_await acquire();
    if (!second) co_return log;
    // A request that makes the server close; the connection then looks dead.
    (void)co_await second->write("BAD\r\n\r\n");
    for (;;) {
      const Io io = co_await second->read_more();
      if (io != Io::ok) break;
      second->consume(second->input().size());
    }
    pool.put_back(target, std::move(second), loops_[0].now().steady);
    (void)co_await acquire();
    co_return log;
  });
  EXPECT_EQ(seen, "new reused new ");
}

TEST_F(ServerTest, AnUpstreamThatIsNotThereIsNamed) {
  testing::Targets targets;
  UpstreamTarget& target = targets.at("http://127.0.0.1:" + std::to_string(port()));
  listener_.reset();  // nobody listens there now
  loops_.start();
  UpstreamPool pool(loops_[0], targets.names);
  const std::string text = on_loop<std::string>(loops_, [&]() -> Task<std::string> {
    const auto made = co_await pool.connect(target, std::chrono::seconds(5));
    co_return made ? std::string("connected") : made.error().text();
  });
  EXPECT_NE(text.find(target.label()), std::string::npos) << text;
  EXPECT_NE(text.find("check that it runs"), std::string::npos) << text;
}

TEST(WorkerPool, RunsElsewhereAndComesBackToTheLoop) {
  Loops loops(1, system_clock());
  WorkerPool pool(2);
  loops.start();
  std::thread::id loop_before;
  std::thread::id worker;
  std::thread::id loop_after;
  const bool ran = on_loop<bool>(loops, [&]() -> Task<bool> {
    loop_before = std::this_thread::get_id();
    const bool done =
        co_await pool.run(loops[0], [&](Scratch&) { worker = std::this_thread::get_id(); });
    loop_after = std::this_thread::get_id();
    co_return done;
  });
  EXPECT_TRUE(ran);
  EXPECT_EQ(loop_before, loop_after);
  EXPECT_NE(loop_before, worker);
}

TEST(UsableCores, IsAtLeastOne) { EXPECT_GE(usable_cores(), 1u); }

}  // namespace
}  // namespace davy::net
