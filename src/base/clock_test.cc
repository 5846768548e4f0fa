#include "base/clock.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

TEST(Rfc3339, IsUtcWithMilliseconds) {
  const WallTime t{std::chrono::seconds(1795499071) + std::chrono::milliseconds(42)};
  EXPECT_EQ(rfc3339(t), "2026-11-24T05:44:31.042Z");
  EXPECT_EQ(rfc3339(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(WallTime{std::chrono::milliseconds(-1)}), "1969-12-31T23:59:59.999Z");
}

TEST(ManualClock, MovesBothClocksOrOnlyTheWall) {
  ManualClock clock;
  const Now before = clock.now();
  clock.advance(std::chrono::seconds(5));
  clock.step_wall(std::chrono::seconds(-60));
  EXPECT_EQ(clock.now().steady - before.steady, std::chrono::seconds(5));
  EXPECT_EQ(clock.now().wall - before.wall, std::chrono::seconds(-55));
}

TEST(SystemClock, GoesForward) {
  const Now a = system_clock().now();
  const Now b = system_clock().now();
  EXPECT_LE(a.steady, b.steady);
  EXPECT_GT(unix_seconds(a.wall), 1.6e9);
}

}  // namespace
}  // namespace davy
