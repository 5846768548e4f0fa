#include "mechanisms/formats/scan_driver.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "core/command.h"
#include "generated/rules.h"

namespace davy::formats {
namespace {

using Action = std::function<Result<void>(const Artifact&, Sink&)>;

class FakeScanner final : public Scanner {
 public:
  FakeScanner(std::string kind, Action action)
      : kind_(std::move(kind)), action_(std::move(action)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "fake"; }
  [[nodiscard]] std::string_view summary() const noexcept override { return "Fake"; }
  [[nodiscard]] bool claims(std::string_view kind) const noexcept override { return kind == kind_; }
  [[nodiscard]] Result<void> scan(const Artifact& artifact, Sink& sink, Scratch&) const override {
    return action_(artifact, sink);
  }

 private:
  std::string kind_;
  Action action_;
};

Result<void> clean(const Artifact& artifact, Sink& sink) {
  sink.examined(artifact.size);
  return {};
}
Result<void> fires(const Artifact& artifact, Sink& sink) {
  sink.finding(make_finding(rules::kEnvironmentSecretsGithubToken, "found"));
  sink.examined(artifact.size);
  return {};
}

const Artifact kFile{"file", "f", "abc", -1, 3};

Report scan(Action action, std::vector<std::unique_ptr<Scanner>> others = {},
            ScanLimits limits = {}, int times = 1) {
  const FakeScanner primary("file", std::move(action));
  const ManualClock clock;
  ScanDriver driver(primary, others, limits, clock);
  for (int i = 0; i < times; ++i) driver.scan_artifact(kFile);
  return driver.take_report("target");
}

TEST(ScanDriver, EachObjectGetsItsVerdict) {
  const Report clean_report = scan(clean);
  ASSERT_EQ(clean_report.objects.size(), 1U);
  EXPECT_EQ(clean_report.objects[0].verdict, Verdict::clean);
  EXPECT_EQ(clean_report.coverage.examined, 1U);
  EXPECT_EQ(clean_report.coverage.examined_bytes, 3U);
  const Report fired = scan(fires);
  EXPECT_EQ(fired.objects[0].verdict, Verdict::findings);
  ASSERT_EQ(fired.findings.size(), 1U);
  EXPECT_EQ(fired.findings[0].location.file, "f");
}

TEST(ScanDriver, AnErrorAnExceptionAndSilenceAreNotExaminedAndFatal) {
  const Action actions[] = {
      [](const Artifact&, Sink&) -> Result<void> { return unavailable("disk on fire"); },
      [](const Artifact&, Sink&) -> Result<void> { throw std::runtime_error("x"); },
      [](const Artifact&, Sink&) -> Result<void> { return {}; }};
  for (const Action& action : actions) {
    const Report report = scan(action);
    EXPECT_EQ(report.objects[0].verdict, Verdict::unreadable);
    ASSERT_EQ(report.coverage.not_examined.size(), 1U);
    EXPECT_TRUE(report.coverage.not_examined[0].fatal);
    EXPECT_EQ(report.coverage.not_examined[0].what, "f");
    EXPECT_EQ(report.coverage.examined, 0U);
    EXPECT_EQ(exit_status(report, Severity::high), kExitTrouble);
  }
}

TEST(ScanDriver, APartGoesToWhoeverClaimsItsKind) {
  std::vector<std::string> seen;
  std::vector<std::unique_ptr<Scanner>> others;
  others.push_back(std::make_unique<FakeScanner>("policy", [&](const Artifact& part, Sink& sink) {
    seen.push_back(part.name);
    return fires(part, sink);
  }));
  const Report report = scan(
      [](const Artifact& artifact, Sink& sink) -> Result<void> {
        sink.embedded({"policy", "f!p", "{}", -1, 2});
        sink.embedded({"unheard_of", "f!u", "?", -1, 1});
        return clean(artifact, sink);
      },
      std::move(others));
  EXPECT_EQ(seen, (std::vector<std::string>{"f!p"}));
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].location.file, "f!p");
  ASSERT_EQ(report.coverage.not_examined.size(), 1U);
  EXPECT_EQ(report.coverage.not_examined[0].why, "no scanner for this kind (unheard_of)");
  EXPECT_FALSE(report.coverage.not_examined[0].fatal);
  EXPECT_EQ(report.coverage.examined, 2U);
  // What lies inside an object speaks for it.
  EXPECT_EQ(report.objects[0].verdict, Verdict::findings);
}

TEST(ScanDriver, NestingIsBounded) {
  const Report report = scan([](const Artifact& artifact, Sink& sink) -> Result<void> {
    sink.embedded({"file", artifact.name + "!x", "", -1, 0});
    return clean(artifact, sink);
  });
  EXPECT_EQ(report.coverage.examined, 17U);
  ASSERT_EQ(report.coverage.not_examined.size(), 1U);
  EXPECT_TRUE(report.coverage.not_examined[0].fatal);
}

TEST(ScanDriver, FindingsBeyondTheBoundAreCountedAndStillDecide) {
  ScanLimits limits;
  limits.findings = 2;
  const Report report = scan(fires, {}, limits, 5);
  EXPECT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.findings_not_listed, 3U);
  limits.findings = 0;
  const Report none = scan(fires, {}, limits);
  EXPECT_EQ(exit_status(none, Severity::high), kExitFindings);
}

TEST(ScanDriver, AKindThatNobodyClaimsIsNotExamined) {
  const FakeScanner primary("image", clean);
  const ManualClock clock;
  ScanDriver driver(primary, {}, {}, clock);
  driver.scan_artifact(kFile);
  const Report report = driver.take_report("t");
  EXPECT_EQ(report.coverage.examined, 0U);
  EXPECT_EQ(exit_status(report, Severity::high), kExitTrouble);
}

}  // namespace
}  // namespace davy::formats
