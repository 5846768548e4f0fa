// What every Control must do (core/control.h).
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <functional>
#include <memory>

#include "core/contract/violations.h"
#include "core/control.h"

namespace davy {

// Makes one with no order in force.
using ControlFactory = std::function<std::unique_ptr<Control>()>;

namespace contract {

inline Principal caller() { return {"k1", "bot", "team", "key", "192.0.2.7"}; }

inline Violations nobody_is_contained_at_first(const ControlFactory& make) {
  Check check;
  const auto control = make();
  check.that(!control->standing(caller(), "chat"), "a caller is contained without an order");
  check.that(!control->standing({}, ""), "an unknown caller is contained without an order");
  check.that(!control->weight_of("chat", 0), "a weight without an order");
  check.that(!control->limit_of({SubjectKind::key, "k1"}), "a limit without an order");
  return check.take();
}

inline Violations every_subject_can_be_blocked_and_released(const ControlFactory& make) {
  Check check;
  for (const Subject& subject :
       {Subject{SubjectKind::key, "k1"}, Subject{SubjectKind::experiment, "bot"},
        Subject{SubjectKind::address, "192.0.2.7"}, Subject{SubjectKind::model, "chat"}}) {
    const std::string kind(name(subject.kind));
    const auto control = make();
    check.that(!control->release(subject).ok(), kind + ": released what was not blocked");
    check.that(control->block(subject, "why").ok(), kind + ": cannot be blocked");
    const auto standing = control->standing(caller(), "chat");
    check.that(standing.has_value(), kind + ": blocked and not contained");
    if (standing) {
      check.that(standing->subject == subject, kind + ": another subject is named");
      check.that(standing->reason == "why", kind + ": the reason is lost");
      check.that(standing->kind == Containment::Kind::blocked, kind + ": not called blocked");
    }
    check.that(!control->standing({"k2", "other", "team", "key", "192.0.2.8"}, "fraud"),
               kind + ": somebody else is contained");
    check.that(!control->standing({}, ""), kind + ": an unknown caller is contained");
    check.that(control->release(subject).ok(), kind + ": cannot be released");
    check.that(!control->standing(caller(), "chat"), kind + ": released and still contained");
  }
  return check.take();
}

inline Violations a_revoked_key_never_comes_back(const ControlFactory& make) {
  Check check;
  const auto control = make();
  const Subject key{SubjectKind::key, "k1"};
  check.that(control->revoke("k1", "leaked").ok(), "a key cannot be revoked");
  check.that(!control->release(key).ok(), "a revoked key was released");
  check.that(control->block(key, "again").ok(), "a revoked key cannot be blocked");
  (void)control->release(key);
  const auto standing = control->standing(caller(), "chat");
  check.that(standing && standing->kind == Containment::Kind::revoked,
             "block and release brought a revoked key back");
  return check.take();
}

inline Violations a_quarantine_is_for_the_model_only(const ControlFactory& make) {
  Check check;
  const auto control = make();
  check.that(control->quarantine("chat", "drift").ok(), "a model cannot be quarantined");
  const auto standing = control->standing(caller(), "chat");
  check.that(standing && standing->kind == Containment::Kind::quarantined,
             "a quarantined model serves");
  check.that(!control->standing(caller(), "fraud"), "another model is contained");
  check.that(!control->standing(caller(), ""), "a caller without a model is contained");
  return check.take();
}

inline Violations what_names_nothing_is_refused(const ControlFactory& make) {
  Check check;
  const auto control = make();
  check.that(!control->revoke("", "").ok(), "revoked no key");
  check.that(!control->quarantine("", "").ok(), "quarantined no model");
  check.that(!control->block({SubjectKind::experiment, ""}, "").ok(), "blocked no experiment");
  check.that(!control->limit({SubjectKind::key, ""}, 1).ok(), "limited no key");
  check.that(!control->standing({}, ""), "an order without a subject contains everybody");
  return check.take();
}

inline Violations weights_and_limits_are_numbers_in_range(const ControlFactory& make) {
  Check check;
  const auto control = make();
  const Subject key{SubjectKind::key, "k1"};
  for (const double share : {0.0, 0.25, 1.0}) {
    check.that(control->weight("chat", 1, share).ok(), "a share in [0, 1] was refused");
    check.that(control->weight_of("chat", 1) == share, "a weight is not what was ordered");
  }
  for (const double share : {-0.1, 1.1, HUGE_VAL, std::nan("")}) {
    check.that(!control->weight("chat", 1, share).ok(), "a share outside [0, 1] was taken");
  }
  check.that(control->weight_of("chat", 1) == 1.0, "a refused weight changed something");
  check.that(!control->weight_of("chat", 0), "a weight of another upstream");
  for (const double limit : {0.0, 2.5}) {
    check.that(control->limit(key, limit).ok(), "a limit of 0 or more was refused");
    check.that(control->limit_of(key) == limit, "a limit is not what was ordered");
  }
  for (const double limit : {-1.0, HUGE_VAL, std::nan("")}) {
    check.that(!control->limit(key, limit).ok(), "a limit that is none was taken");
  }
  check.that(!control->limit_of({SubjectKind::key, "k2"}), "a limit of somebody else");
  check.that(!control->limit_of({SubjectKind::model, "k1"}), "a limit of another kind");
  check.that(!control->standing(caller(), "chat"), "a limit contains");
  check.that(control->release(key).ok(), "a limit cannot be released");
  check.that(!control->limit_of(key), "a released limit stands");
  return check.take();
}

inline Violations an_order_is_in_force_when_the_call_returns(const ControlFactory& make) {
  const auto control = make();
  std::atomic<int> late{0};
  std::atomic<bool> done{false};
  on_threads(4, [&](std::size_t thread) {
    if (thread == 0) {
      while (!done) (void)control->standing(caller(), "chat");
      return;
    }
    const std::string own = "key" + std::to_string(thread);
    const Principal principal{own, "bot" + own, "team", "key", "192.0.2.7"};
    for (int i = 0; i < 500; ++i) {
      if (!control->block({SubjectKind::key, own}, "").ok() ||
          !control->standing(principal, "chat") ||
          !control->release({SubjectKind::key, own}).ok() || control->standing(principal, "chat")) {
        ++late;
      }
    }
    done = true;
  });
  Check check;
  check.that(late == 0, std::to_string(late.load()) + " orders were not in force at once");
  return check.take();
}

}  // namespace contract

class ControlContract : public ::testing::TestWithParam<ControlFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ControlContract);

TEST_P(ControlContract, NobodyIsContainedAtFirst) {
  EXPECT_EQ(contract::lines(contract::nobody_is_contained_at_first(GetParam())), "");
}
TEST_P(ControlContract, EverySubjectCanBeBlockedAndReleased) {
  EXPECT_EQ(contract::lines(contract::every_subject_can_be_blocked_and_released(GetParam())), "");
}
TEST_P(ControlContract, ARevokedKeyNeverComesBack) {
  EXPECT_EQ(contract::lines(contract::a_revoked_key_never_comes_back(GetParam())), "");
}
TEST_P(ControlContract, AQuarantineIsForTheModelOnly) {
  EXPECT_EQ(contract::lines(contract::a_quarantine_is_for_the_model_only(GetParam())), "");
}
TEST_P(ControlContract, WhatNamesNothingIsRefused) {
  EXPECT_EQ(contract::lines(contract::what_names_nothing_is_refused(GetParam())), "");
}
TEST_P(ControlContract, WeightsAndLimitsAreNumbersInRange) {
  EXPECT_EQ(contract::lines(contract::weights_and_limits_are_numbers_in_range(GetParam())), "");
}
TEST_P(ControlContract, AnOrderIsInForceWhenTheCallReturns) {
  EXPECT_EQ(contract::lines(contract::an_order_is_in_force_when_the_call_returns(GetParam())), "");
}

}  // namespace davy
