#include "pillars/environment/secrets/secrets.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/contract/scanner_contract.h"
#include "mechanisms/formats/scan_driver.h"
#include "mechanisms/text/credential_formats.h"
#include "mechanisms/text/credential_samples.h"

namespace davy {

INSTANTIATE_TEST_SUITE_P(
    Secrets, ScannerContract,
    ::testing::Values(ScannerUnderTest{
        [] { return std::unique_ptr<const Scanner>(secrets::make_scanner().value()); },
        {
            {"file", "token = " + text::CredentialSamples(1).make("github_token").text + "\n"},
            {"text", "nothing to see"},
            {"file", text::CredentialSamples(2).make("database_url").text},
        }}));

namespace secrets {
namespace {

formats::Report scan(const Artifact& artifact) {
  const auto scanner = make_scanner();
  EXPECT_TRUE(scanner);
  const ManualClock clock;
  formats::ScanDriver driver(**scanner, {}, {}, clock);
  driver.scan_artifact(artifact);
  return driver.take_report("test");
}
formats::Report scan(std::string_view bytes) {
  return scan({"file", "f", bytes, -1, bytes.size()});
}

std::string sample(std::string_view format, std::uint64_t seed = 5) {
  return text::CredentialSamples(seed).make(format).text;
}

TEST(Secrets, TellsLineAndColumnInCodePoints) {
  const std::string bytes = "one\r\nzwei é\n\n  Schlüssel: " + sample("github_token") + " end\n";
  const formats::Report report = scan(bytes);
  ASSERT_EQ(report.findings.size(), 1U);
  const Location& at = report.findings[0].location;
  EXPECT_EQ(at.line, 4U);
  EXPECT_EQ(at.column, 14U);
  EXPECT_EQ(slice(bytes, at.span), sample("github_token"));
}

TEST(Secrets, EveryFormatFiresThroughTheScannerWithItsOwnRule) {
  for (const text::CredentialFormat& format : text::credential_formats()) {
    const formats::Report report = scan("x\n" + sample(format.id) + "\n");
    ASSERT_EQ(report.findings.size(), 1U) << format.id;
    EXPECT_EQ(report.findings[0].rule, format.rule);
    EXPECT_EQ(report.findings[0].location.line, 2U);
  }
}

TEST(Secrets, NeitherMessageNorEvidenceGivesTheSecretAway) {
  const std::string token = sample("github_token");
  const formats::Report report = scan(token);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].evidence, "ghp_… (40 characters)");
  EXPECT_EQ(report.findings[0].message, "A GitHub token lies in a file; its check digits hold");
  // Four characters of a short password would be too many.
  const formats::Report url = scan(sample("database_url"));
  ASSERT_EQ(url.findings.size(), 1U);
  EXPECT_EQ(url.findings[0].evidence, "(16 characters)");
}

TEST(Secrets, AHarmlessFileIsCleanAndCounted) {
  const formats::Report report = scan("password = hunter2\nkey: ${TOKEN}\n");
  EXPECT_TRUE(report.findings.empty());
  EXPECT_EQ(report.coverage.examined, 1U);
  EXPECT_EQ(report.objects.at(0).verdict, formats::Verdict::clean);
}

TEST(Secrets, ReadsBinaryFiles) {
  const std::string bytes = std::string(
                                "\x7f"
                                "ELF\0\0\x01\xff\n",
                                9) +
                            sample("aws_access_key") + std::string("\0\0", 2);
  EXPECT_EQ(scan(bytes).findings.size(), 1U);
}

TEST(Secrets, FindsOneAtEveryPlaceAroundTheBorderOfAWindowOnce) {
  // "openai_key" has its anchor in the middle, "jwt" is long, "aws_secret_key" stands behind.
  for (const char* format : {"openai_key", "jwt", "aws_secret_key", "private_key"}) {
    const std::string secret = sample(format);
    for (std::size_t shift = 0; shift <= secret.size() + 2; shift += 7) {
      std::string bytes;
      while (bytes.size() < (std::size_t{1} << 20) - shift) bytes += "line\n";
      bytes.resize((std::size_t{1} << 20) - shift, ' ');
      const std::size_t lines =
          static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      bytes += "\n" + secret + "\n" + std::string(100'000, '.');
      const formats::Report report = scan(bytes);
      ASSERT_EQ(report.findings.size(), 1U) << format << " " << shift;
      ASSERT_EQ(report.findings[0].location.line, lines + 2) << format << " " << shift;
    }
  }
}

TEST(Secrets, LinesAreRightInEveryWindowOfALargeFile) {
  std::string bytes;
  std::vector<std::uint32_t> lines;
  std::uint32_t line = 1;
  const std::string secret = sample("github_token");
  while (bytes.size() < 5'000'000) {
    for (int i = 0; i < 3000; ++i, ++line) bytes += "some words in a line\n";
    lines.push_back(line);
    bytes += "k=" + secret + "\n";
    ++line;
  }
  const contract::TemporaryFile file(bytes);
  const Fd fd = file.open(O_RDONLY);
  const formats::Report report = scan({"file", "f", {}, fd.get(), bytes.size()});
  ASSERT_EQ(report.findings.size(), lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(report.findings[i].location.line, lines[i]);
    EXPECT_EQ(report.findings[i].location.column, 3U);
  }
}

TEST(Secrets, FindsOneBehindAHoleOfATerabyte) {
  const contract::TemporaryFile file("start\n");
  const Fd fd = file.open(O_RDWR);
  const std::string tail = "\n\n" + sample("github_token") + "\n";
  const off_t far = off_t{1} << 40;
  if (pwrite(fd.get(), tail.data(), tail.size(), far) < 0) {
    GTEST_SKIP() << "this file system has no files of a terabyte";
  }
  const formats::Report report = scan({"file", "f", {}, fd.get(), 0});
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].location.line, 4U);
  EXPECT_EQ(report.findings[0].location.span.begin, static_cast<std::size_t>(far) + 2);
}

}  // namespace
}  // namespace secrets
}  // namespace davy
