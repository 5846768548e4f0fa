#include "core/stage.h"

#include <gtest/gtest.h>

#include <array>

namespace davy {
namespace {

TEST(RequestHead, FindsTheFirstFieldIgnoringCase) {
  const std::array<HeaderField, 3> fields{
      {{"Host", "a"}, {"X-Api-Key", "first"}, {"x-api-key", "second"}}};
  const RequestHead head{"GET", "/", "", fields};
  EXPECT_EQ(head.field("x-API-key"), "first");
  EXPECT_EQ(head.field("host"), "a");
  EXPECT_EQ(head.field("hos"), "");
  EXPECT_EQ(head.field("cookie"), "");
}

}  // namespace
}  // namespace davy
