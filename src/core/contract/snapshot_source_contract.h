// What every SnapshotSource must do (core/snapshot.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "base/bytes.h"
#include "core/contract/temporary_file.h"
#include "core/contract/violations.h"
#include "core/settings.h"
#include "core/snapshot.h"

namespace davy {

struct SnapshotSourceUnderTest {
  std::function<std::unique_ptr<SnapshotSource>()> make;
  std::string good;  // the text of a configuration that builds, without includes
};

namespace contract {

inline Violations a_good_file_becomes_a_snapshot(const SnapshotSourceUnderTest& under_test) {
  Check check;
  const TemporaryFile file(under_test.good, ".yaml");
  const auto source = under_test.make();
  Diagnostics diagnostics;
  check.that(source->load(file.path(), diagnostics) != nullptr, "load gives nothing");
  const auto first = source->build(file.path(), diagnostics);
  const auto second = source->build(file.path(), diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    check.that(!diagnostic.error, diagnostic.text());
  }
  check.that(first != nullptr && second != nullptr, "build gives nothing");
  if (first == nullptr || second == nullptr) return check.take();
  check.that(first->policy_digest.size() == 64 && from_hex(first->policy_digest),
             "the policy digest is no SHA-256 in hex");
  check.that(first->policy_digest == second->policy_digest, "one policy has two digests");
  const TemporaryFile other(under_test.good + "\n# changed\n", ".yaml");
  const auto third = source->build(other.path(), diagnostics);
  check.that(third != nullptr && third->policy_digest != first->policy_digest,
             "another file has the same digest");
  return check.take();
}

inline Violations a_broken_file_gives_diagnostics_and_null(
    const SnapshotSourceUnderTest& under_test) {
  Check check;
  const auto source = under_test.make();
  for (const std::string& broken :
       {std::string("listen: [\n"), std::string("no_such_key: 1\n"), std::string("- a list\n"),
        std::string("\xff\xfe\n"), under_test.good + "\nno_such_key: 1\n"}) {
    const TemporaryFile file(broken, ".yaml");
    Diagnostics of_build;
    check.that(source->build(file.path(), of_build) == nullptr, "built from: " + broken);
    check.that(!of_build.ok(), "null without an error: " + broken);
    for (const Diagnostic& diagnostic : of_build.all()) {
      check.that(!diagnostic.message.empty(), "a mistake without a message: " + broken);
      check.that(
          !diagnostic.error || diagnostic.place.file.find("davy-contract-") != std::string::npos,
          "a mistake without its file: " + diagnostic.text());
    }
  }
  return check.take();
}

inline Violations a_missing_file_is_an_error(const SnapshotSourceUnderTest& under_test) {
  Check check;
  const auto source = under_test.make();
  std::string path;
  {
    const TemporaryFile gone("");
    path = gone.path();
  }
  Diagnostics of_load;
  Diagnostics of_build;
  check.that(source->load(path, of_load) == nullptr && !of_load.ok(), "loaded what is not there");
  check.that(source->build(path, of_build) == nullptr && !of_build.ok(), "built what is not there");
  return check.take();
}

}  // namespace contract

class SnapshotSourceContract : public ::testing::TestWithParam<SnapshotSourceUnderTest> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SnapshotSourceContract);

TEST_P(SnapshotSourceContract, AGoodFileBecomesASnapshot) {
  EXPECT_EQ(contract::lines(contract::a_good_file_becomes_a_snapshot(GetParam())), "");
}
TEST_P(SnapshotSourceContract, ABrokenFileGivesDiagnosticsAndNull) {
  EXPECT_EQ(contract::lines(contract::a_broken_file_gives_diagnostics_and_null(GetParam())), "");
}
TEST_P(SnapshotSourceContract, AMissingFileIsAnError) {
  EXPECT_EQ(contract::lines(contract::a_missing_file_is_an_error(GetParam())), "");
}

}  // namespace davy
