#include "mechanisms/net/resolver.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "mechanisms/net/upstream_for_tests.h"

namespace davy::net {
namespace {

using namespace std::chrono_literals;
using testing::HandClock;
using testing::on_loop;

Addresses one(const char* text) { return {*parse_address(text)}; }

// A resolver that answers when it is told to. Shared with the threads that ask it, which may
// outlive a test.
class Script {
 public:
  static Resolver::Lookup lookup(std::shared_ptr<Script> script) {
    return [script](const std::string&) -> Result<Addresses> {
      std::unique_lock lock(script->mutex_);
      ++script->asked_;
      script->changed_.notify_all();
      script->changed_.wait(lock, [&] { return !script->answers_.empty(); });
      Result<Addresses> next = std::move(script->answers_.front());
      script->answers_.erase(script->answers_.begin());
      return next;
    };
  }
  void answer(Result<Addresses> with) {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(with));
    changed_.notify_all();
  }
  void await_questions(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= count; });
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Result<Addresses>> answers_;
  int asked_ = 0;
};

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() { loops_.start(); }
  ~ResolverTest() override {
    for (int i = 0; i < 8; ++i) script_->answer(unavailable("the test is over"));
    loops_.stop();
  }
  std::string ask(std::chrono::nanoseconds patience = 30s) {
    return on_loop<std::string>(loops_[0], [&]() -> Task<std::string> {
      auto found = co_await resolver_.resolve(loops_[0], "model.example", patience);
      co_return found ? (*found)[0].text() : found.error().text();
    });
  }

  HandClock clock_;
  std::shared_ptr<Script> script_ = std::make_shared<Script>();
  Loops loops_{1, clock_};
  Resolver resolver_{clock_, Script::lookup(script_)};
};

TEST_F(ResolverTest, AnAddressNeedsNoAsking) {
  const std::string seen = on_loop<std::string>(loops_[0], [&]() -> Task<std::string> {
    const auto found = co_await resolver_.resolve(loops_[0], "192.0.2.7", 1s);
    co_return found ? (*found)[0].text() : found.error().text();
  });
  EXPECT_EQ(seen, "192.0.2.7");
  EXPECT_EQ(script_->asked(), 0);
}

TEST_F(ResolverTest, ManyWhoAskAtOnceMakeOneQuestion) {
  std::vector<std::future<std::string>> all;
  for (int i = 0; i < 8; ++i) all.push_back(std::async(std::launch::async, [&] { return ask(); }));
  script_->await_questions(1);
  script_->answer(one("192.0.2.1"));
  for (auto& each : all) EXPECT_EQ(each.get(), "192.0.2.1");
  EXPECT_EQ(script_->asked(), 1);
}

TEST_F(ResolverTest, AnOldAnswerIsUsedWhileTheNextIsAskedFor) {
  script_->answer(one("192.0.2.1"));
  EXPECT_EQ(ask(), "192.0.2.1");
  const auto& changes = resolver_.changes("model.example");
  const std::uint32_t before = changes.load();
  clock_.advance(NameCache::kFresh);
  EXPECT_EQ(ask(), "192.0.2.1");  // without waiting: nobody has answered
  script_->await_questions(2);
  script_->answer(one("192.0.2.2"));
  while (changes.load() == before) std::this_thread::yield();
  EXPECT_EQ(ask(), "192.0.2.2");
}

TEST_F(ResolverTest, AResolverThatIsDownLeavesTheLastAnswer) {
  script_->answer(one("192.0.2.1"));
  EXPECT_EQ(ask(), "192.0.2.1");
  clock_.advance(NameCache::kFresh);
  resolver_.refresh("model.example");
  script_->await_questions(2);
  script_->answer(unavailable("no server could be reached"));
  // A third question comes only once the second was answered.
  while (script_->asked() < 3) {
    clock_.advance(NameCache::kRetry);
    resolver_.refresh("model.example");
    std::this_thread::yield();
  }
  EXPECT_EQ(ask(), "192.0.2.1");
}

TEST_F(ResolverTest, ANameThatDoesNotResolveSaysWhy) {
  script_->answer(unavailable("Name or service not known"));
  const std::string text = ask();
  EXPECT_NE(text.find("Name or service not known"), std::string::npos) << text;
  EXPECT_NE(text.find("check the host name"), std::string::npos) << text;
  EXPECT_EQ(ask(), text);  // and is not asked again at once
  EXPECT_EQ(script_->asked(), 1);
}

TEST_F(ResolverTest, WaitingHasAnEnd) {
  const std::string text = ask(1ms);
  EXPECT_NE(text.find("not resolved in time"), std::string::npos) << text;
}

TEST(Resolver, GoesWhileAQuestionIsUnderWay) {
  auto asked = std::make_shared<std::promise<void>>();
  auto go_on = std::make_shared<std::promise<void>>();
  Loops loops(1, system_clock());
  loops.start();
  {
    Resolver resolver(system_clock(), [asked, go_on](const std::string&) -> Result<Addresses> {
      asked->set_value();
      go_on->get_future().wait();
      return one("192.0.2.1");
    });
    resolver.refresh("model.example");
    asked->get_future().wait();
  }
  loops.stop();
  go_on->set_value();
}

TEST(Resolver, TheSystemKnowsLocalhost) {
  const auto found = Resolver::system_lookup("localhost");
  ASSERT_TRUE(found.ok()) << found.error().text();
  for (const Address& address : *found) EXPECT_TRUE(address.loopback()) << address.text();
}

}  // namespace
}  // namespace davy::net
