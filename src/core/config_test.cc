#include "core/config.h"

#include <gtest/gtest.h>

#include <string>

namespace davy {
namespace {

using Kind = ConfigNode::Kind;

// Trees by hand: core knows no YAML. Every node is at column 1 of its own line.
std::uint32_t next_line = 1;

ConfigNode scalar(std::string text, bool quoted = false) {
  ConfigNode node;
  node.kind = Kind::scalar;
  node.scalar = std::move(text);
  node.quoted = quoted;
  node.place = {"f.yaml", next_line++, 1};
  return node;
}

ConfigNode null() {
  ConfigNode node;
  node.place = {"f.yaml", next_line++, 1};
  return node;
}

ConfigNode list(std::vector<ConfigNode> items) {
  ConfigNode node = null();
  node.kind = Kind::list;
  node.items = std::move(items);
  return node;
}

ConfigNode map(std::vector<std::pair<std::string, ConfigNode>> entries) {
  ConfigNode node = null();
  node.kind = Kind::map;
  for (auto& [key, value] : entries) node.entries.push_back({scalar(key), std::move(value)});
  return node;
}

std::string only_message(const Diagnostics& diagnostics) {
  EXPECT_EQ(diagnostics.all().size(), 1u);
  return diagnostics.all().empty() ? "" : diagnostics.all().front().text();
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(ConfigMap, ReadsEachType) {
  const ConfigNode root = map({{"text", scalar("x")},
                               {"yes", scalar("true")},
                               {"whole", scalar("42")},
                               {"half", scalar("0.5")},
                               {"word", scalar("b")},
                               {"one", scalar("x")},
                               {"many", list({scalar("x"), scalar("y")})}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  EXPECT_EQ(reader.text("text"), "x");
  EXPECT_EQ(reader.boolean("yes"), true);
  EXPECT_EQ(reader.integer("whole", 0, 42), 42u);
  EXPECT_EQ(reader.number("half", 0, 1), 0.5);
  EXPECT_EQ(reader.choice("word", {"a", "b"}), 1u);
  EXPECT_EQ(reader.texts("one").size(), 1u);
  EXPECT_EQ(reader.texts("many").size(), 2u);
  reader.finish();
  EXPECT_TRUE(diagnostics.all().empty()) << diagnostics.all().front().text();
}

TEST(ConfigMap, AbsentKeysAreNothingAndNoMistake) {
  Diagnostics diagnostics;
  ConfigMap reader(nullptr, "section", diagnostics);
  EXPECT_FALSE(reader.present());
  EXPECT_FALSE(reader.text("a"));
  EXPECT_FALSE(reader.boolean("a"));
  EXPECT_TRUE(reader.texts("a").empty());
  EXPECT_TRUE(reader.maps("a").empty());
  EXPECT_FALSE(reader.map("a").present());
  EXPECT_EQ(reader.node("a"), nullptr);
  EXPECT_TRUE(reader.entries().empty());
  reader.finish();
  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(ConfigMap, AnEmptySectionIsAbsentButAnEmptyValueIsAMistake) {
  const ConfigNode root = map({{"section", null()}, {"home", null()}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  EXPECT_FALSE(reader.map("section").present());
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_FALSE(reader.text("home"));
  EXPECT_TRUE(holds(only_message(diagnostics), "home: expected text, found nothing"));
}

TEST(ConfigMap, WhatIsMissingHasThePlaceOfWhatStandsAround) {
  const ConfigNode root = map({{"section", null()}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  (void)reader.map("section").required_text("a");
  (void)reader.map("absent").required_text("b");
  const ConfigNode nothing = null();
  (void)ConfigMap(&nothing, "", diagnostics).required_text("c");
  ASSERT_EQ(diagnostics.all().size(), 3u);
  EXPECT_EQ(diagnostics.all()[0].place.text(), root.entries[0].value.place.text());
  EXPECT_EQ(diagnostics.all()[1].place.text(), root.place.text());
  EXPECT_EQ(diagnostics.all()[2].place.text(), nothing.place.text());
}

TEST(ConfigMap, SizesHaveUnits) {
  const auto bytes = [](const char* text) {
    Diagnostics diagnostics;
    ConfigNode node;
    node.kind = ConfigNode::Kind::map;
    ConfigEntry entry;
    entry.key.kind = entry.value.kind = ConfigNode::Kind::scalar;
    entry.key.scalar = "size";
    entry.value.scalar = text;
    node.entries.push_back(entry);
    ConfigMap map(&node, "", diagnostics);
    const auto value = map.bytes("size", 10, std::uint64_t{1} << 30);
    EXPECT_EQ(value.has_value(), diagnostics.ok()) << text;
    return value;
  };
  EXPECT_EQ(bytes("10"), 10u);
  EXPECT_EQ(bytes("64KiB"), 65536u);
  EXPECT_EQ(bytes("5MB"), 5'000'000u);
  EXPECT_EQ(bytes("1GiB"), 1u << 30);
  for (const char* text : {"", "9", "2GiB", "1 MiB", "-1", "1.5MiB", "1mib", "MiB", "0x10",
                           "18446744073709551616", "99999999999GiB"}) {
    EXPECT_EQ(bytes(text), std::nullopt) << text;
  }
  EXPECT_EQ(shown_bytes(16u << 20), "16 MiB");
  EXPECT_EQ(shown_bytes(1536), "1536 bytes");
}

TEST(ConfigMap, AQuotedNumberIsText) {
  const ConfigNode root = map({{"n", scalar("5", true)}, {"b", scalar("true", true)}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  EXPECT_FALSE(reader.integer("n", 0, 9));
  EXPECT_FALSE(reader.number("n", 0, 9));
  EXPECT_FALSE(reader.boolean("b"));
  EXPECT_EQ(reader.text("n"), "5");
  EXPECT_EQ(diagnostics.all().size(), 3u);
}

TEST(ConfigMap, RefusesNumbersThatAreNone) {
  for (const char* text :
       {"", "-1", "10", "1.5", "0x1", "1e0", "five", "1 ", "99999999999999999999"}) {
    const ConfigNode root = map({{"n", scalar(text)}});
    Diagnostics diagnostics;
    EXPECT_FALSE(ConfigMap(&root, "", diagnostics).integer("n", 0, 9)) << text;
    EXPECT_TRUE(holds(only_message(diagnostics), "a whole number from 0 to 9")) << text;
  }
  for (const char* text : {"", "nan", "inf", "-0.1", "1.1", "1e400", "0.5x", "+0.5"}) {
    const ConfigNode root = map({{"n", scalar(text)}});
    Diagnostics diagnostics;
    EXPECT_FALSE(ConfigMap(&root, "", diagnostics).number("n", 0, 1)) << text;
    EXPECT_TRUE(holds(only_message(diagnostics), "a number from 0 to 1")) << text;
  }
}

TEST(ConfigMap, AnUnknownKeyNamesItsPlaceAndTheNearestKey) {
  const ConfigNode root = map({{"lisen", scalar("x")}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "gate", diagnostics);
  (void)reader.text("listen");
  (void)reader.text("admin");
  reader.finish();
  const std::string message = only_message(diagnostics);
  EXPECT_TRUE(holds(message, root.entries[0].key.place.text() + ": error: ")) << message;
  EXPECT_TRUE(holds(message, "unknown key \"lisen\" in gate (did you mean \"listen\"?)"))
      << message;
}

TEST(ConfigMap, AnUnknownKeyLikeNoOtherListsThem) {
  const ConfigNode root = map({{"zzzzzzzz", scalar("x")}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  (void)reader.text("listen");
  (void)reader.text("admin");
  reader.finish();
  EXPECT_TRUE(holds(only_message(diagnostics), "known here: listen, admin"));
}

TEST(ConfigMap, AWrongTypeCountsAsAbsentAndAsKnown) {
  const ConfigNode root = map({{"a", list({})}, {"b", scalar("x")}, {"c", scalar("x")}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "top", diagnostics);
  EXPECT_FALSE(reader.text("a"));
  EXPECT_TRUE(reader.maps("b").empty());
  EXPECT_FALSE(reader.map("c").present());
  reader.finish();
  ASSERT_EQ(diagnostics.all().size(), 3u);
  EXPECT_TRUE(holds(diagnostics.all()[0].text(), "top.a: expected text, found a list"));
  EXPECT_TRUE(holds(diagnostics.all()[1].text(), "top.b: expected a list of maps"));
  EXPECT_TRUE(holds(diagnostics.all()[2].text(), "top.c: expected a map"));
}

TEST(ConfigMap, MessagesDoNotRepeatValues) {
  const ConfigNode root = map({{"a", scalar("sk-secret")},
                               {"b", scalar("sk-secret")},
                               {"c", scalar("sk-secret")},
                               {"d", scalar("sk-secret")},
                               {"e", scalar("sk-secret")}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  (void)reader.boolean("a");
  (void)reader.integer("b", 0, 1);
  (void)reader.choice("c", {"x"});
  (void)reader.map("d");
  (void)reader.maps("e");
  EXPECT_EQ(diagnostics.all().size(), 5u);
  for (const Diagnostic& d : diagnostics.all()) EXPECT_FALSE(holds(d.text(), "secret")) << d.text();
}

TEST(ConfigMap, AWrongWordGetsTheNearestChoice) {
  const ConfigNode root = map({{"mode", scalar("enforced")}});
  Diagnostics diagnostics;
  EXPECT_FALSE(ConfigMap(&root, "", diagnostics).choice("mode", {"off", "observe", "enforce"}));
  EXPECT_TRUE(holds(only_message(diagnostics), "one of off, observe, enforce"));
  EXPECT_TRUE(holds(only_message(diagnostics), "did you mean enforce?"));
}

TEST(ConfigMap, RequiredTextSaysMissingOrEmptyOnce) {
  const ConfigNode root = map({{"a", scalar("")}, {"b", list({})}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "model", diagnostics);
  EXPECT_EQ(reader.required_text("a"), "");
  EXPECT_EQ(reader.required_text("b"), "");
  EXPECT_EQ(reader.required_text("c"), "");
  ASSERT_EQ(diagnostics.all().size(), 3u);
  EXPECT_TRUE(holds(diagnostics.all()[0].text(), "\"a\" is empty"));
  EXPECT_TRUE(holds(diagnostics.all()[1].text(), "expected text"));
  EXPECT_TRUE(holds(diagnostics.all()[2].text(), "\"c\" is missing"));
}

TEST(ConfigMap, ListsNameTheElementThatIsWrong) {
  const ConfigNode root = map({{"models", list({map({{"name", list({})}}), scalar("x")})}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "", diagnostics);
  auto maps = reader.maps("models");
  ASSERT_EQ(maps.size(), 1u);
  (void)maps[0].text("name");
  ASSERT_EQ(diagnostics.all().size(), 2u);
  EXPECT_TRUE(holds(diagnostics.all()[0].text(), "models[1]: expected a map"));
  EXPECT_TRUE(holds(diagnostics.all()[1].text(), "models[0].name: expected text"));
}

TEST(ConfigMap, EntriesTakeFreeKeysInOrder) {
  const ConfigNode root = map({{"b", scalar("1")}, {"a", scalar("2")}, {"c", list({})}});
  Diagnostics diagnostics;
  ConfigMap reader(&root, "rules", diagnostics);
  const auto entries = reader.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].key, "b");
  EXPECT_EQ(entries[1].value, "2");
  reader.finish();
  EXPECT_TRUE(holds(only_message(diagnostics), "rules.c: expected text"));
}

TEST(Diagnostics, WarningsAreNoErrors) {
  Diagnostics diagnostics;
  diagnostics.warning("w", {"f", 1, 2}, "h");
  EXPECT_TRUE(diagnostics.ok());
  EXPECT_EQ(diagnostics.all()[0].text(), "f:1:2: warning: w (h)");
  diagnostics.error("e");
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_EQ(diagnostics.all()[1].text(), "error: e");
}

struct Colour final : ConfigValue {
  explicit Colour(int n) : number(n) {}
  int number;
};
struct Other final : ConfigValue {};

TEST(Config, GivesASectionOnlyAsItsType) {
  Config config;
  EXPECT_EQ(config.section<Colour>("a.b"), nullptr);
  config.put("a.b", std::make_unique<Colour>(1));
  config.put("a.b", std::make_unique<Colour>(2));
  ASSERT_NE(config.section<Colour>("a.b"), nullptr);
  EXPECT_EQ(config.section<Colour>("a.b")->number, 2);
  EXPECT_EQ(config.section<Other>("a.b"), nullptr);
  EXPECT_EQ(config.section<Colour>("a"), nullptr);
}

}  // namespace
}  // namespace davy
