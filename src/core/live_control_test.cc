#include "core/live_control.h"

#include <gtest/gtest.h>

#include "core/contract/control_contract.h"

namespace davy {
namespace {

INSTANTIATE_TEST_SUITE_P(Live, ControlContract,
                         ::testing::Values([] { return std::make_unique<LiveControl>(); }));

Principal from(std::string address) { return {"k1", "bot", "team", "key", std::move(address)}; }

TEST(LiveControl, AnAddressIsTheSameInEverySpelling) {
  LiveControl control;
  ASSERT_TRUE(control.block({SubjectKind::address, "2001:DB8:0:0::1"}, "").ok());
  EXPECT_TRUE(control.standing(from("2001:db8::1"), "").has_value());
  EXPECT_TRUE(control.release({SubjectKind::address, "2001:db8::0001"}).ok());
  EXPECT_FALSE(control.standing(from("2001:db8::1"), "").has_value());

  ASSERT_TRUE(control.block({SubjectKind::address, "192.0.2.7"}, "").ok());
  EXPECT_TRUE(control.standing(from("::ffff:192.0.2.7"), "").has_value());
  ASSERT_TRUE(control.limit({SubjectKind::address, "::ffff:192.0.2.8"}, 3).ok());
  EXPECT_EQ(control.limit_of({SubjectKind::address, "192.0.2.8"}), 3.0);
}

TEST(LiveControl, WhatIsNoAddressCannotBeBlocked) {
  LiveControl control;
  for (const char* wrong :
       {"example.com", "192.0.2", "192.0.2.7/24", "192.0.2.007", "::g", " ::1"}) {
    EXPECT_FALSE(control.block({SubjectKind::address, wrong}, "").ok()) << wrong;
  }
  EXPECT_FALSE(control.standing(from("not an address"), "").has_value());
}

TEST(LiveControl, ARevocationIsToldBeforeABlock) {
  LiveControl control;
  ASSERT_TRUE(control.block({SubjectKind::address, "192.0.2.7"}, "").ok());
  ASSERT_TRUE(control.revoke("k1", "").ok());
  EXPECT_EQ(control.standing(from("192.0.2.7"), "")->kind, Containment::Kind::revoked);
}

TEST(Control, NamesItsKinds) {
  EXPECT_EQ(name(SubjectKind::address), "address");
  EXPECT_EQ(name(SubjectKind::model), "model");
  EXPECT_EQ(name(Containment::Kind::revoked), "revoked");
  EXPECT_EQ(name(Containment::Kind::quarantined), "quarantined");
}

}  // namespace
}  // namespace davy
