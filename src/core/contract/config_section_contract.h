// What every ConfigSection must do (core/config.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "core/config.h"
#include "core/contract/violations.h"

namespace davy {

using ConfigSectionFactory = std::function<std::unique_ptr<const ConfigSection>()>;

namespace contract {

inline ConfigNode a_scalar(std::string text, std::uint32_t line) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::scalar;
  node.scalar = std::move(text);
  node.place = {"davylamp.yaml", line, 3};
  return node;
}

inline Violations an_absent_section_gives_defaults(const ConfigSectionFactory& make) {
  Check check;
  const auto section = make();
  check.that(is_words(section->path(), '.'), "the path is not lower-case words with dots");
  for (int i = 0; i < 2; ++i) {  // a second reading must not remember the first
    Diagnostics diagnostics;
    ConfigMap map(nullptr, std::string(section->path()), diagnostics);
    const auto value = section->read(map);
    map.finish();
    check.that(value != nullptr, "no defaults");
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      check.that(!diagnostic.error, "an absent section is an error: " + diagnostic.text());
    }
  }
  return check.take();
}

inline Violations an_unknown_key_is_reported_with_its_place(const ConfigSectionFactory& make) {
  Check check;
  const auto section = make();
  ConfigNode node;
  node.kind = ConfigNode::Kind::map;
  node.place = {"davylamp.yaml", 4, 1};
  node.entries.push_back({a_scalar("no_such_key", 5), a_scalar("no_such_value", 5)});
  Diagnostics diagnostics;
  ConfigMap map(&node, std::string(section->path()), diagnostics);
  (void)section->read(map);
  map.finish();
  check.that(!diagnostics.ok(), "an unknown key is not reported");
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    check.that(!diagnostic.message.empty(), "a mistake without a message");
    check.that(diagnostic.place.line != 0, "a mistake without its place: " + diagnostic.text());
  }
  return check.take();
}

}  // namespace contract

class ConfigSectionContract : public ::testing::TestWithParam<ConfigSectionFactory> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ConfigSectionContract);

TEST_P(ConfigSectionContract, AnAbsentSectionGivesDefaults) {
  EXPECT_EQ(contract::lines(contract::an_absent_section_gives_defaults(GetParam())), "");
}
TEST_P(ConfigSectionContract, AnUnknownKeyIsReportedWithItsPlace) {
  EXPECT_EQ(contract::lines(contract::an_unknown_key_is_reported_with_its_place(GetParam())), "");
}

}  // namespace davy
