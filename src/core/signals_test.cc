#include "core/signals.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

TEST(Signals, KeepTheLastNumberOfEachName) {
  Signals signals;
  EXPECT_FALSE(signals.get("score"));
  signals.set("score", 0.5);
  signals.set("size", 3);
  signals.set("score", 0.75);
  EXPECT_EQ(signals.get("score"), 0.75);
  EXPECT_EQ(signals.get("size"), 3.0);
  EXPECT_FALSE(signals.get("scor"));
  EXPECT_EQ(signals.all().size(), 2U);
}

}  // namespace
}  // namespace davy
