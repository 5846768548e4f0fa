#include "surfaces/gateway/limits.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace davy::gateway {
namespace {

using namespace std::chrono_literals;

struct Read {
  Limits limits;
  Diagnostics diagnostics;

  [[nodiscard]] bool says(std::string_view part) const {
    for (const Diagnostic& each : diagnostics.all()) {
      if (each.text().find(part) != std::string::npos) return true;
    }
    return false;
  }
};

Read read(const std::vector<std::pair<std::string, std::string>>& entries) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::map;
  for (const auto& [key, value] : entries) {
    ConfigEntry entry;
    entry.key.kind = entry.value.kind = ConfigNode::Kind::scalar;
    entry.key.scalar = key;
    entry.value.scalar = value;
    node.entries.push_back(std::move(entry));
  }
  Read out;
  ConfigMap map(&node, "limits", out.diagnostics);
  const auto value = limits_section()->read(map);
  map.finish();
  out.limits = dynamic_cast<const Limits&>(*value);
  return out;
}

TEST(Limits, ReadsEachAndKeepsTheOthers) {
  const Read r = read({{"request_body", "2MiB"},
                       {"header_timeout", "3s"},
                       {"total_timeout", "10m"},
                       {"connections", "500"},
                       {"connections_per_client", "20"}});
  ASSERT_TRUE(r.diagnostics.ok());
  EXPECT_EQ(r.limits.request_body, 2u << 20);
  EXPECT_EQ(r.limits.header_timeout, 3s);
  EXPECT_EQ(r.limits.total_timeout, 10min);
  EXPECT_EQ(r.limits.connections, 500u);
  EXPECT_EQ(r.limits.connections_per_client, 20u);
  EXPECT_EQ(r.limits.body_timeout, Limits().body_timeout);
}

TEST(Limits, RefusesWhatIsOutOfRange) {
  EXPECT_FALSE(read({{"request_body", "1"}}).diagnostics.ok());
  EXPECT_FALSE(read({{"request_body", "2GiB"}}).diagnostics.ok());
  EXPECT_FALSE(read({{"body_timeout", "0s"}}).diagnostics.ok());
  EXPECT_FALSE(read({{"connections", "0"}}).diagnostics.ok());
  EXPECT_TRUE(read({{"conections", "5"}}).says("connections"));
}

TEST(Limits, SaysWhereTheSettingsOfModelsStand) {
  EXPECT_TRUE(read({{"answer_body", "1MiB"}}).says("max_answer_bytes"));
  EXPECT_TRUE(read({{"upstream_timeout", "5s"}}).says("timeouts: {answer"));
}

TEST(Limits, ConnectionsLeaveDescriptorsForUpstreams) {
  for (const std::uint64_t descriptors : {256u, 1024u, 20'000u, 1'000'000u}) {
    const ConnectionBounds bounds = connection_bounds(descriptors);
    EXPECT_LE(2 * bounds.usual + 64, descriptors);
    EXPECT_LE(bounds.most + 64, descriptors);
    EXPECT_GE(bounds.usual, descriptors / 3);
  }
  EXPECT_EQ(connection_bounds(0).usual, 1u);
  EXPECT_EQ(connection_bounds(UINT64_MAX).most, 1'000'000u);
}

}  // namespace
}  // namespace davy::gateway
