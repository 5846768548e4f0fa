#include "app/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/log.h"

namespace davy::app {
namespace {

// The manager's end: receives what is sent to `name`.
class Manager {
 public:
  explicit Manager(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), at.sun_path);
    if (at.sun_path[0] == '@') at.sun_path[0] = '\0';
    const void* const raw = &at;
    bound_ = bind(fd_.get(), static_cast<const sockaddr*>(raw),
                  static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())) == 0;
  }
  [[nodiscard]] bool bound() const { return bound_; }
  std::string next() {
    char text[256];
    const ssize_t got = recv(fd_.get(), text, sizeof text, 0);
    return got > 0 ? std::string(text, static_cast<std::size_t>(got)) : "";
  }

 private:
  Fd fd_;
  bool bound_ = false;
};

void hears_everything(const std::string& address) {
  Manager manager(address);
  ASSERT_TRUE(manager.bound()) << address;
  const ServiceManager told(address);
  told.ready();
  Now now;
  now.steady = SteadyTime(std::chrono::seconds(7));
  told.reloading(now);
  told.stopping();
  told.relieved_by(123);
  EXPECT_EQ(manager.next(), "READY=1\n");
  EXPECT_EQ(manager.next(), "RELOADING=1\nMONOTONIC_USEC=7000000\n");
  EXPECT_EQ(manager.next(), "STOPPING=1\n");
  EXPECT_EQ(manager.next(), "MAINPID=123\n");
  EXPECT_EQ(manager.next(), "");
}

TEST(ServiceManager, IsToldOverAPath) {
  std::string folder = (std::filesystem::temp_directory_path() / "davy-test-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  hears_everything(folder + "/notify");
  std::filesystem::remove_all(folder);
}

TEST(ServiceManager, IsToldOverAnAbstractName) {
  hears_everything("@davy-test-" + std::to_string(getpid()));
}

TEST(ServiceManager, NobodyToTellIsNoTrouble) {
  std::vector<std::string> lines;
  log::set_output([&](std::string_view line) { lines.emplace_back(line); });
  ServiceManager("").ready();
  EXPECT_TRUE(lines.empty());
  const ServiceManager gone("/nobody/listens/here");
  gone.ready();
  gone.stopping();
  log::set_output({});
  EXPECT_EQ(lines.size(), 1U) << "said once";
  ServiceManager(std::string(300, 'x')).ready();
}

std::size_t count_of(const char* pid, const char* fds) {
  const auto sockets = sockets_from(pid, fds, 42);
  return sockets ? sockets->size() : 999;
}

// That they are taken is shown by tests/end_to_end/test_upgrade.py.
TEST(ServiceManager, OnlySocketsThatAreForThisProcessAreTaken) {
  EXPECT_EQ(count_of(nullptr, nullptr), 0U);
  EXPECT_EQ(count_of(nullptr, "1"), 0U);
  EXPECT_EQ(count_of("42", nullptr), 0U);
  EXPECT_EQ(count_of("41", "1"), 0U);
  EXPECT_EQ(count_of("42", "0"), 0U);
}

TEST(ServiceManager, WhatIsNoCountOfSocketsIsRefused) {
  for (const char* const fds : {"", "x", "-1", "1.5", "1025", "99999999999999999999"}) {
    EXPECT_EQ(count_of("42", fds), 999U) << fds;
  }
  EXPECT_EQ(count_of("", "1"), 999U);
}

}  // namespace
}  // namespace davy::app
