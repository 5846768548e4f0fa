#include "mechanisms/store/upkeep/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace davy::store {
namespace {

Manifest sample() {
  return {{"2026-11-24T05:44:31.042Z", {2, 1}, 7, 1'000'000'000'000, PepperPart::left_out},
          {{"format", 17, std::string(64, 'a')}, {"state.sqlite", 1, std::string(64, '0')}}};
}

std::string changed(std::string_view from, std::string_view to) {
  std::string text = manifest_json(sample());
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Manifest, IsReadAsItWasWritten) {
  const auto read = parse_manifest(manifest_json(sample()));
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(read->files, sample().files);
  EXPECT_EQ(read->facts.created, sample().facts.created);
  EXPECT_EQ(read->facts.format, (HomeFormat{2, 1}));
  EXPECT_EQ(read->facts.last_order, 7u);
  EXPECT_EQ(read->facts.events, 1'000'000'000'000u);
  EXPECT_EQ(read->facts.pepper, PepperPart::left_out);
}

TEST(Manifest, AnotherVersionSaysWhatToDo) {
  const auto read = parse_manifest(changed("\"davylamp_backup\":1", "\"davylamp_backup\":2"));
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().hint.find("the davy that made it"), std::string::npos);
}

TEST(Manifest, WhatIsNotAsItShouldBeIsNamed) {
  const auto says = [](const std::string& text, std::string_view key) {
    const auto read = parse_manifest(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_NE(read.error().text().find("`" + std::string(key) + "`"), std::string::npos)
        << read.error().text();
  };
  says("", "{");
  says("[]", "{");
  says(changed("\"events\"", "\"event\""), "{");
  says(changed("{\"dav", "{\"more\":1,\"dav"), "{");
  says(changed("1000000000000", "-1"), "events");
  says(changed("1000000000000", "1.5"), "events");
  says(changed("\"last_order\":7", "\"last_order\":\"7\""), "last_order");
  says(changed("\"readable_by\":1", "\"readable_by\":3"), "readable_by");
  says(changed("left out", "lost"), "pepper");
  says(changed("\"bytes\":17", "\"bytes\":null"), "files");
  says(changed("\"name\":\"format\"", "\"name\":\"" + std::string(200, 'x') + "\""), "files");
}

}  // namespace
}  // namespace davy::store
