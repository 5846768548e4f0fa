#include "pillars/access/keys/access_config.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace davy::access {
namespace {

ConfigNode scalar(std::string text) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::scalar;
  node.scalar = std::move(text);
  node.place = {"davylamp.yaml", 7, 3};
  return node;
}

ConfigNode list(std::vector<std::string> texts) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::list;
  for (std::string& text : texts) node.items.push_back(scalar(std::move(text)));
  return node;
}

struct Read {
  Diagnostics diagnostics;
  std::unique_ptr<const ConfigValue> value;
  const AccessConfig& config() const { return dynamic_cast<const AccessConfig&>(*value); }
};

Read read(std::vector<std::pair<std::string, ConfigNode>> entries) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::map;
  for (auto& [key, value] : entries) node.entries.push_back({scalar(key), std::move(value)});
  Read out;
  ConfigMap map(&node, "access", out.diagnostics);
  out.value = AccessSection().read(map);
  map.finish();
  return out;
}

TEST(AccessConfig, AbsentSectionRequiresKeys) {
  Diagnostics diagnostics;
  ConfigMap map(nullptr, "access", diagnostics);
  const auto value = AccessSection().read(map);
  const auto& config = dynamic_cast<const AccessConfig&>(*value);
  EXPECT_TRUE(config.keys_required);
  EXPECT_EQ(config.pepper_path("/etc/davy", "/var/home"), "/var/home/pepper");
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(AccessConfig, ReadsKeysAndPepper) {
  const Read r = read({{"keys", scalar("optional")}, {"pepper", scalar("file:secrets/pepper")}});
  EXPECT_TRUE(r.diagnostics.all().empty());
  EXPECT_FALSE(r.config().keys_required);
  EXPECT_EQ(r.config().pepper_path("/etc/davy", "/var/home"), "/etc/davy/secrets/pepper");
  const Read absolute = read({{"pepper", scalar("file:/run/pepper")}});
  EXPECT_EQ(absolute.config().pepper_path("/etc/davy", "/var/home"), "/run/pepper");
}

TEST(AccessConfig, PepperItselfIsRefusedAndNotRepeated) {
  for (const char* text : {"0123456789abcdef", "file:", "env:PEPPER"}) {
    const Read r = read({{"pepper", scalar(text)}});
    ASSERT_FALSE(r.diagnostics.ok()) << text;
    const std::string message = r.diagnostics.all().front().text();
    EXPECT_EQ(message.find("0123456789"), std::string::npos) << message;
    EXPECT_NE(message.find("davylamp.yaml:7:3"), std::string::npos) << message;
  }
}

TEST(AccessConfig, UnknownWordIsAnErrorAndKeysStayRequired) {
  const Read r = read({{"keys", scalar("off")}});
  EXPECT_FALSE(r.diagnostics.ok());
  EXPECT_TRUE(r.config().keys_required);
  EXPECT_FALSE(read({{"keyz", scalar("optional")}}).diagnostics.ok());
}

TEST(AccessConfig, WhatIsNotEnforcedYetIsSaidAloud) {
  const Read r = read({{"usage_plans", list({"usage_plan.tf"})}});
  EXPECT_TRUE(r.diagnostics.ok());
  ASSERT_EQ(r.diagnostics.all().size(), 1u);
  EXPECT_FALSE(r.diagnostics.all()[0].error);
  EXPECT_NE(r.diagnostics.all()[0].message.find("usage_plans"), std::string::npos);
  EXPECT_EQ(r.config().usage_plans, std::vector<std::string>{"usage_plan.tf"});
}

}  // namespace
}  // namespace davy::access
