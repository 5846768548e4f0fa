#include "surfaces/cli/scan_command.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "core/contract/command_contract.h"
#include "core/contract/temporary_file.h"
#include "generated/rules.h"
#include "surfaces/cli/command_harness.h"

namespace davy::cli {
namespace {

// Fires on a file that begins with "bad".
class FakeScanner final : public Scanner {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "fake"; }
  [[nodiscard]] std::string_view summary() const noexcept override { return "Look for bad files"; }
  [[nodiscard]] bool claims(std::string_view kind) const noexcept override {
    return kind == "file";
  }
  [[nodiscard]] Result<void> scan(const Artifact& artifact, Sink& sink, Scratch&) const override {
    char begin[3] = {};
    const bool bad = ::pread(artifact.fd, begin, 3, 0) == 3 && std::string_view(begin, 3) == "bad";
    if (bad)
      sink.finding(
          make_finding(rules::kEnvironmentSecretsJwt, "bad", {artifact.name, 1, 1, "", {}}));
    sink.examined(artifact.size);
    return {};
  }
};

const std::vector<std::unique_ptr<Scanner>>& scanners() {
  static const auto made = [] {
    std::vector<std::unique_ptr<Scanner>> list;
    list.push_back(std::make_unique<FakeScanner>());
    return list;
  }();
  return made;
}

std::unique_ptr<Command> command() { return std::move(scan_commands(scanners()).at(0)); }

TEST(ScanCommand, IsNamedAfterTheScanner) { EXPECT_EQ(command()->path(), "scan fake"); }

TEST(ScanCommand, ExitsZeroOneAndTwoAsTheContractSays) {
  const contract::TemporaryFile good("good");
  const contract::TemporaryFile bad("bad");  // a finding of severity medium
  EXPECT_EQ(run(command(), {good.path()}).status, kExitClean);
  EXPECT_EQ(run(command(), {bad.path()}).status, kExitClean);  // below high
  EXPECT_EQ(run(command(), {bad.path(), "--fail-on", "medium"}).status, kExitFindings);
  const Ran missing = run(command(), {"/no/such/path"});
  EXPECT_EQ(missing.status, kExitTrouble);
  EXPECT_NE(missing.err.find("/no/such/path: no such file or folder"), std::string::npos);
  EXPECT_EQ(missing.out, "");
}

TEST(ScanCommand, NothingExaminedIsTrouble) {
  const contract::TemporaryFile file("12345678");
  // What the caller leaves out is no failure, but then nothing is left.
  const Ran ran = run(command(), {file.path(), "--max-bytes", "4", "-o", "json"});
  EXPECT_EQ(ran.status, kExitTrouble);
  const auto json = boost::json::parse(ran.out);
  EXPECT_EQ(json.at("coverage").at("examined"), 0);
  EXPECT_EQ(json.at("coverage").at("not_examined").at(0).at("fatal"), false);
}

TEST(ScanCommand, WritesTheFormThatIsAskedFor) {
  const contract::TemporaryFile bad("bad");
  EXPECT_EQ(run(command(), {bad.path(), "-o", "sarif"}).out.substr(0, 10), "{\"$schema\"");
  EXPECT_EQ(run(command(), {bad.path(), "-o", "junit"}).out.substr(0, 5), "<?xml");
  EXPECT_EQ(run(command(), {bad.path(), "-o", "markdown"}).out.substr(0, 2), "# ");
}

TEST(ScanCommand, RefusesAnUnknownFormSeverityAndAMissingTarget) {
  EXPECT_EQ(run(command(), {"x", "-o", "yaml"}).status, kUsage);
  EXPECT_EQ(run(command(), {"x", "--fail-on", "bad"}).status, kUsage);
  EXPECT_EQ(run(command(), {}).status, kUsage);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Scan, CommandContract, ::testing::Values(CommandFactory(command)));

}  // namespace davy::cli
