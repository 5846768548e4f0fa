#include "core/snapshot.h"

#include <gtest/gtest.h>

namespace davy {
namespace {

TEST(Snapshot, FindsModelsAndExperimentsByTheirExactName) {
  Snapshot snapshot;
  snapshot.settings.models.resize(2);
  snapshot.settings.models[1].name = "chat";
  snapshot.settings.experiments.resize(1);
  snapshot.settings.experiments[0].name = "bot";
  EXPECT_EQ(snapshot.model("chat"), &snapshot.settings.models[1]);
  EXPECT_EQ(snapshot.model("Chat"), nullptr);
  EXPECT_EQ(snapshot.experiment("bot"), &snapshot.settings.experiments[0]);
  EXPECT_EQ(snapshot.experiment("chat"), nullptr);
}

}  // namespace
}  // namespace davy
