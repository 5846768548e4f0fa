#include "mechanisms/store/hand_over.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "mechanisms/store/home_order_desk.h"
#include "mechanisms/store/order_socket.h"
#include "mechanisms/store/peer.h"
#include "mechanisms/store/testing.h"

namespace davy::store {
namespace {

using testing::must;
using testing::TestHandler;
using testing::TestHome;

OrderRouter::Handlers handlers() {
  OrderRouter::Handlers out;
  out.push_back(std::make_unique<TestHandler>());
  return out;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool same_file(int one, int other) {
  struct stat a {};
  struct stat b {};
  return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

// A server that hands over `count` descriptors, all of one file.
struct Old : TestHome {
  explicit Old(std::size_t count = 3) : file(eventfd(0, EFD_CLOEXEC)) {
    log::set_output([](std::string_view) {});
    HandOverDesk desk;
    desk.sockets = [this, count]() -> Result<std::vector<Fd>> {
      if (busy) return unavailable("it is stopping", {}, "wait");
      std::vector<Fd> out;
      for (std::size_t i = 0; i < count; ++i) {
        out.emplace_back(fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
      }
      return out;
    };
    desk.relieved = [this](pid_t by) { relieved_by = by; };
    socket = must(OrderSocket::start(home, lock, router, system_clock(), std::move(desk)));
  }
  ~Old() {
    socket.reset();
    log::set_output({});
  }
  std::string order() {
    HomeOrderDesk desk(system_clock(), [](const Home&) { return handlers(); });
    auto answer = desk.order(folder.path(), "test.put", "{}");
    return answer ? *answer : answer.error().text();
  }

  Fd file;
  std::atomic<bool> busy{false};
  std::atomic<pid_t> relieved_by{0};
  OrderRouter router{*store, system_clock(), handlers()};
  std::unique_ptr<OrderSocket> socket;
};

TEST(HandOver, TheNewOneGetsEverythingAndThenTheOrders) {
  Old old(150);  // more than go into one message
  HandedOver got = must(ask_to_take_over(old.home, system_clock()));
  ASSERT_EQ(got.sockets.size(), 150u);
  for (const Fd& socket : got.sockets) EXPECT_TRUE(same_file(socket.get(), old.file.get()));
  const HomeLock lock = must(HomeLock::adopt(old.home, std::move(got.lock)));

  OrderRouter router(*old.store, system_clock(), handlers());
  const auto ours =
      must(OrderSocket::adopt(old.home, lock, router, system_clock(), {}, std::move(got.orders)));
  EXPECT_EQ(old.relieved_by, 0);
  ASSERT_TRUE(confirm_take_over(got.peer.get(), system_clock()).ok());
  ours->begin();
  EXPECT_TRUE(holds(old.order(), "\"sequence\":1"));
  old.socket.reset();
  EXPECT_EQ(old.relieved_by, getpid());
  EXPECT_TRUE(server_may_run(old.home)) << "the file is the new one's";
  EXPECT_TRUE(holds(old.order(), "\"sequence\":2"));
  // The lock is held as long as one of them has it.
  EXPECT_FALSE(HomeLock::take(old.home).ok());
}

TEST(HandOver, OldOneGoesOnWhenTheNewOneIsGone) {
  Old old;
  { const HandedOver gone = must(ask_to_take_over(old.home, system_clock())); }
  EXPECT_TRUE(holds(old.order(), "\"sequence\":1"));
  {
    const HandedOver rude = must(ask_to_take_over(old.home, system_clock()));
    ASSERT_TRUE(send_all(rude.peer.get(), "serv", kPeerPatience, system_clock()).ok());
    ASSERT_TRUE(send_all(rude.peer.get(), "ed\n", kPeerPatience, system_clock()).ok());
    const auto told = confirm_take_over(rude.peer.get(), system_clock());
    ASSERT_FALSE(told.ok()) << "it must not serve";
    EXPECT_TRUE(holds(told.error().text(), "goes on")) << told.error().text();
  }
  EXPECT_TRUE(holds(old.order(), "\"sequence\":2"));
  EXPECT_EQ(old.relieved_by, 0);
  EXPECT_EQ(must(ask_to_take_over(old.home, system_clock())).sockets.size(), 3u);
}

TEST(HandOver, OrdersWaitMeanwhile) {
  Old old;
  HandedOver got = must(ask_to_take_over(old.home, system_clock()));
  std::string answer;
  std::thread command([&] { answer = old.order(); });
  // Whoever reads the state now reads what nobody changes.
  EXPECT_EQ(must(old.store->last_order()), 0u);
  got.peer = Fd();
  command.join();
  EXPECT_TRUE(holds(answer, "\"sequence\":1")) << answer;
}

TEST(HandOver, OneThatEndsLeavesItAllToTheNewOne) {
  Old old;
  const HandedOver got = must(ask_to_take_over(old.home, system_clock()));
  old.socket.reset();
  EXPECT_TRUE(confirm_take_over(got.peer.get(), system_clock()).ok());
  EXPECT_TRUE(server_may_run(old.home));
}

TEST(HandOver, RefusalsSayWhyAndWhatToDo) {
  Old old;
  old.busy = true;
  const auto busy = ask_to_take_over(old.home, system_clock());
  ASSERT_FALSE(busy.ok());
  EXPECT_TRUE(holds(busy.error().text(), "it is stopping")) << busy.error().text();
  EXPECT_EQ(busy.error().hint, "wait");
  EXPECT_TRUE(holds(old.order(), "\"sequence\":1"));
  old.socket.reset();

  const auto nobody = ask_to_take_over(old.home, system_clock());
  ASSERT_FALSE(nobody.ok());
  EXPECT_TRUE(holds(nobody.error().hint, "without --take-over"));

  // A server that cannot: without a desk, or older than the order.
  const auto plain = must(OrderSocket::start(old.home, old.lock, old.router, system_clock()));
  const auto cannot = ask_to_take_over(old.home, system_clock());
  ASSERT_FALSE(cannot.ok());
  EXPECT_TRUE(holds(cannot.error().hint, "stop it")) << cannot.error().text();
}

TEST(HandOver, OnlyTheLockOfThisHomeIsAdopted) {
  TestHome t;
  const TestHome other;
  const auto copy = [](int fd) { return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 0)); };
  EXPECT_FALSE(HomeLock::adopt(t.home, copy(other.lock.fd())).ok());
  EXPECT_FALSE(HomeLock::adopt(t.home, Fd()).ok());
  // The right file, but not through the open file that holds the lock.
  Fd again(open(t.home.file(kLockFile).c_str(), O_RDWR | O_CLOEXEC));
  EXPECT_FALSE(HomeLock::adopt(t.home, std::move(again)).ok());
  {
    const HomeLock both = must(HomeLock::adopt(t.home, copy(t.lock.fd())));
    EXPECT_TRUE(both.sign().ok());
  }
  EXPECT_FALSE(HomeLock::take(t.home).ok()) << "the first still has it";
  EXPECT_EQ(must(t.home.folder().read(kLockFile, 100)), std::to_string(getpid()) + "\n");
}

}  // namespace
}  // namespace davy::store
