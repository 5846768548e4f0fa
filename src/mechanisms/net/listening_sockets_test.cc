#include "mechanisms/net/listening_sockets.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace davy::net {
namespace {

namespace fs = std::filesystem;

Endpoint endpoint(const std::string& text) { return parse_endpoint(text).value(); }

class UnixSocketTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "davy-sockets-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    endpoint_ = endpoint("unix:" + path());
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_ + "/davy.sock"; }
  [[nodiscard]] bool connects() const {
    const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path().copy(to.sun_path, sizeof to.sun_path - 1);
    return ::connect(fd.get(), static_cast<sockaddr*>(static_cast<void*>(&to)), sizeof to) == 0;
  }

  std::string folder_;
  Endpoint endpoint_;
};

TEST_F(UnixSocketTest, HasItsModeAndTakesConnections) {
  const auto sockets = listen_on(endpoint_, 4);
  ASSERT_TRUE(sockets.ok()) << sockets.error().text();
  EXPECT_EQ(sockets->sockets.size(), 1);
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0660);
  EXPECT_TRUE(connects());
}

TEST_F(UnixSocketTest, TheModeIsTheEndpoints) {
  endpoint_.mode = 0600;
  const auto sockets = listen_on(endpoint_, 1);
  ASSERT_TRUE(sockets.ok()) << sockets.error().text();
  struct stat status {};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600);
}

TEST_F(UnixSocketTest, ALiveOneIsRefused) {
  const auto first = listen_on(endpoint_, 1);
  ASSERT_TRUE(first.ok());
  const auto second = listen_on(endpoint_, 1);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable);
  EXPECT_NE(second.error().text().find("another program listens there"), std::string::npos);
  EXPECT_TRUE(connects());
}

TEST_F(UnixSocketTest, AStaleOneIsReplaced) {
  { ASSERT_TRUE(listen_on(endpoint_, 1).ok()); }
  ASSERT_TRUE(fs::exists(path()));
  EXPECT_FALSE(connects());
  const auto again = listen_on(endpoint_, 1);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_TRUE(connects());
}

TEST_F(UnixSocketTest, WhatIsNoSocketStays) {
  std::ofstream(path()) << "precious";
  const auto refused = listen_on(endpoint_, 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text().find("no socket"), std::string::npos);
  EXPECT_EQ(fs::file_size(path()), 8);
}

TEST_F(UnixSocketTest, APathThatDoesNotFitIsRefused) {
  const auto refused = listen_on(endpoint("unix:" + folder_ + "/" + std::string(100, 'x')), 1);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text().find("107"), std::string::npos);
  EXPECT_FALSE(listen_on(endpoint("unix:" + folder_ + "/none/davy.sock"), 1).ok());
}

TEST_F(UnixSocketTest, ThePathGoesWithTheLastListener) {
  {
    const auto sockets = listen_on(endpoint_, 1);
    ASSERT_TRUE(sockets.ok());
    remove_path(endpoint_);
    EXPECT_TRUE(fs::exists(path()));  // somebody listens: we, or who took the socket over
  }
  remove_path(endpoint_);
  EXPECT_FALSE(fs::exists(path()));
  std::ofstream(path()) << "not ours";
  remove_path(endpoint_);
  EXPECT_TRUE(fs::exists(path()));
}

TEST_F(UnixSocketTest, IsInheritedUnderItsPath) {
  auto sockets = listen_on(endpoint_, 1);
  ASSERT_TRUE(sockets.ok());
  InheritedSockets inherited;
  ASSERT_TRUE(inherited.add(std::move(sockets->sockets[0])).ok());
  EXPECT_TRUE(inherited.take(endpoint("unix:" + folder_ + "/other.sock")).empty());
  // Another way to write the same place.
  const std::string around = folder_ + "/../" + fs::path(folder_).filename().string();
  EXPECT_EQ(inherited.take(endpoint("unix:" + around + "/davy.sock")).size(), 1);
}

TEST(ListeningSockets, APortIsSharedByOneProcessOnly) {
  const auto first = listen_on(endpoint("127.0.0.1:0"), 3);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->sockets.size(), 3);
  EXPECT_NE(first->endpoint.port, 0);
  const auto second = listen_on(first->endpoint, 1);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().text().find("another program has this port"), std::string::npos);
}

TEST(ListeningSockets, AnIpv6AddressIsIpv6Alone) {
  const auto six = listen_on(endpoint("[::]:0"), 1);
  if (!six.ok()) GTEST_SKIP() << "no IPv6 here: " << six.error().text();
  Endpoint four = endpoint("0.0.0.0:1");
  four.port = six->endpoint.port;
  EXPECT_TRUE(listen_on(four, 1).ok());
}

TEST(InheritedSockets, AreTakenByTheirEndpoint) {
  auto first = listen_on(endpoint("127.0.0.1:0"), 2);
  auto second = listen_on(endpoint("127.0.0.1:0"), 1);
  ASSERT_TRUE(first.ok() && second.ok());
  InheritedSockets inherited;
  for (Fd& fd : first->sockets) ASSERT_TRUE(inherited.add(std::move(fd)).ok());
  for (Fd& fd : second->sockets) ASSERT_TRUE(inherited.add(std::move(fd)).ok());
  EXPECT_EQ(inherited.take(first->endpoint).size(), 2);
  EXPECT_TRUE(inherited.take(first->endpoint).empty());
  EXPECT_EQ(inherited.left(), std::vector<std::string>{second->endpoint.text()});
}

TEST(InheritedSockets, RefuseWhatDoesNotListen) {
  InheritedSockets inherited;
  EXPECT_FALSE(inherited.add(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))).ok());
  EXPECT_FALSE(inherited.add(Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))).ok());
  EXPECT_FALSE(inherited.add(Fd()).ok());
  EXPECT_TRUE(inherited.left().empty());
}

}  // namespace
}  // namespace davy::net
