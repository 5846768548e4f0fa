#include "core/segment.h"

#include <gtest/gtest.h>

#include <set>

namespace davy {
namespace {

TEST(Segment, EveryProvenanceAndKindHasItsOwnName) {
  std::set<std::string_view> names;
  for (const Provenance provenance :
       {Provenance::system, Provenance::user, Provenance::assistant, Provenance::tool_call,
        Provenance::tool_result, Provenance::document, Provenance::field}) {
    EXPECT_TRUE(names.insert(name(provenance)).second) << name(provenance);
  }
  names.clear();
  for (const TextKind kind :
       {TextKind::prose, TextKind::code, TextKind::structured, TextKind::binary}) {
    EXPECT_TRUE(names.insert(name(kind)).second) << name(kind);
  }
}

TEST(Segment, StreamsDifferInEveryPartOfTheirKey) {
  const StreamKey key{1, 2, Provenance::assistant, TextKind::prose};
  EXPECT_EQ(key, (StreamKey{1, 2, Provenance::assistant, TextKind::prose}));
  EXPECT_NE(key, (StreamKey{0, 2, Provenance::assistant, TextKind::prose}));
  EXPECT_NE(key, (StreamKey{1, 0, Provenance::assistant, TextKind::prose}));
  EXPECT_NE(key, (StreamKey{1, 2, Provenance::tool_call, TextKind::prose}));
  EXPECT_NE(key, (StreamKey{1, 2, Provenance::assistant, TextKind::code}));
}

}  // namespace
}  // namespace davy
