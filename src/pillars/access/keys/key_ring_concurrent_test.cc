#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "pillars/access/keys/testing.h"

namespace davy::access {
namespace {

using testing::KeyHome;
using testing::text;
using Kind = KeyVerdict::Kind;

TEST(ConcurrentKeyRing, ReadersSeeAWholeTableWhileKeysComeAndGo) {
  KeyHome t;
  const std::string stays = text(t.create("stays"), "key");
  const auto goes = t.create("goes");
  const std::string gone = text(goes, "key");
  const WallTime now = t.clock.now().wall;
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      bool was_revoked = false;
      while (!stop) {
        const KeyVerdict good = t.ring.check(stays, now);
        if (good.kind != Kind::good || good.experiment != "stays") ++wrong;
        const KeyVerdict other = t.ring.check(gone, now);
        if (other.experiment != "goes") ++wrong;
        // Once revoked it never comes back.
        if (was_revoked && other.kind != Kind::revoked) ++wrong;
        was_revoked = other.kind == Kind::revoked;
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    (void)t.create("more" + std::to_string(i));
    if (i == 15) {
      ASSERT_TRUE(t.order("key.revoke", R"({"id":")" + text(goes, "id") + R"("})").ok());
      EXPECT_EQ(t.ring.check(gone, now).kind, Kind::revoked) << "in force when it returns";
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(t.ring.size(), 32u);
}

}  // namespace
}  // namespace davy::access
