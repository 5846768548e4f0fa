#include "core/experiment.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

TEST(Experiment, ServesOnItsLastDayAndNotTheDayAfter) {
  Experiment experiment;
  const sys_days last = std::chrono::year{2027} / 3 / 31;
  EXPECT_FALSE(experiment.expired(last + 365 * 24h)) << "without a date it never ends";
  experiment.expires = last;
  EXPECT_FALSE(experiment.expired(last - 1s));
  EXPECT_FALSE(experiment.expired(last + 24h - 1us));
  EXPECT_TRUE(experiment.expired(last + 24h));
}

TEST(Experiment, UsesOnlyTheModelsItLists) {
  Experiment experiment;
  EXPECT_FALSE(experiment.may_use("chat"));
  experiment.models = {"chat", "fraud"};
  EXPECT_TRUE(experiment.may_use("fraud"));
  EXPECT_FALSE(experiment.may_use("Chat"));
  EXPECT_FALSE(experiment.may_use("cha"));
  EXPECT_FALSE(experiment.may_use(""));
}

TEST(Experiment, DenialsTellLittleInProductionUnlessConfigured) {
  Experiment experiment;
  EXPECT_EQ(experiment.detail(), DenialDetail::full);
  experiment.stage = Lifecycle::staging;
  EXPECT_EQ(experiment.detail(), DenialDetail::full);
  experiment.stage = Lifecycle::production;
  EXPECT_EQ(experiment.detail(), DenialDetail::minimal);
  experiment.denial_detail = DenialDetail::full;
  EXPECT_EQ(experiment.detail(), DenialDetail::full);
}

TEST(Lifecycle, NamesAreReadBack) {
  for (const Lifecycle stage : {Lifecycle::sandbox, Lifecycle::staging, Lifecycle::production}) {
    EXPECT_EQ(lifecycle_from(name(stage)), stage);
  }
  EXPECT_FALSE(lifecycle_from("Sandbox"));
  EXPECT_FALSE(lifecycle_from(""));
}

}  // namespace
}  // namespace davy
