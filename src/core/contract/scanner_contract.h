// What every Scanner must do (core/scanner.h).
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "core/contract/temporary_file.h"
#include "core/contract/violations.h"
#include "core/scanner.h"

namespace davy {

struct ScannerSample {
  std::string kind;  // the scanner claims it
  std::string bytes;
};

struct ScannerUnderTest {
  std::function<std::unique_ptr<const Scanner>()> make;
  std::vector<ScannerSample> samples;  // some that it fires on, some clean, some damaged
};

namespace contract {

// Counts the ends of an artifact and writes down what was found.
class RecordingSink final : public Sink {
 public:
  void finding(Finding finding) override {
    const Location& at = finding.location;
    told += std::string(name(finding.rule)) + " " + at.file + ":" + std::to_string(at.line) + ":" +
            std::to_string(at.column) + " " + at.pointer + " " + std::to_string(at.span.begin) +
            "-" + std::to_string(at.span.end) + " " + finding.message + "\n";
    files.push_back(at.file);
    if (finding.message.empty() || finding.evidence.size() > 200 || finding.confidence < 0 ||
        finding.confidence > 1) {
      malformed = true;
    }
  }
  void not_examined(NotExamined entry, std::uint64_t) override {
    ++ends;
    told += "not examined: " + entry.why + "\n";
    malformed = malformed || entry.what.empty() || entry.why.empty();
  }
  void examined(std::uint64_t) override {
    ++ends;
    was_examined = true;
  }
  void embedded(const Artifact& part) override { told += "part " + part.kind + "\n"; }

  std::string told;
  std::vector<std::string> files;
  int ends = 0;
  bool was_examined = false;
  bool malformed = false;
};

inline RecordingSink scanned(const Scanner& scanner, const Artifact& artifact) {
  RecordingSink sink;
  Scratch scratch;
  const auto done = scanner.scan(artifact, sink, scratch);
  if (!done.ok()) {
    ++sink.ends;
    sink.told += "error\n";
    sink.malformed = sink.malformed || done.error().message.empty();
  }
  return sink;
}

inline std::vector<ScannerSample> with_damaged(const ScannerUnderTest& under_test) {
  std::vector<ScannerSample> samples = under_test.samples;
  for (const ScannerSample& sample : under_test.samples) {
    samples.push_back({sample.kind, ""});
    samples.push_back({sample.kind, sample.bytes.substr(0, sample.bytes.size() / 2)});
    samples.push_back({sample.kind, std::string("\0\xff\xfe\n\0", 5) + sample.bytes});
  }
  return samples;
}

inline Violations a_scanner_names_itself_and_claims_its_kinds(const ScannerUnderTest& under_test) {
  Check check;
  const auto scanner = under_test.make();
  check.that(is_words(scanner->name(), '_'), "the name is not one lower-case word");
  check.that(is_line(scanner->summary(), 100), "the summary is not one line");
  check.that(!under_test.samples.empty(), "no samples were given");
  for (const ScannerSample& sample : under_test.samples) {
    check.that(scanner->claims(sample.kind), "it does not claim " + sample.kind);
  }
  check.that(!scanner->claims(""), "it claims an artifact without a kind");
  check.that(!scanner->claims("no_such_kind"), "it claims every kind");
  return check.take();
}

inline Violations every_artifact_ends_once(const ScannerUnderTest& under_test) {
  Check check;
  const auto scanner = under_test.make();
  for (const ScannerSample& sample : with_damaged(under_test)) {
    const Artifact artifact{sample.kind, "sample", sample.bytes, -1, sample.bytes.size()};
    const RecordingSink sink = scanned(*scanner, artifact);
    check.that(sink.ends == 1, "an artifact ended " + std::to_string(sink.ends) + " times");
    check.that(!sink.malformed, "a finding or an entry without its text, or out of range");
    for (const std::string& file : sink.files) {
      check.that(file.starts_with("sample"), "a finding does not name the artifact");
    }
  }
  return check.take();
}

inline Violations bytes_and_file_give_the_same(const ScannerUnderTest& under_test) {
  Check check;
  const auto scanner = under_test.make();
  for (const ScannerSample& sample : with_damaged(under_test)) {
    const std::uint64_t size = sample.bytes.size();
    const RecordingSink of_bytes =
        scanned(*scanner, {sample.kind, "sample", sample.bytes, -1, size});
    const TemporaryFile file(sample.bytes);
    for (const std::uint64_t offset : {std::uint64_t{0}, size / 2}) {
      const Fd fd = file.open(O_RDONLY, static_cast<off_t>(offset));
      const RecordingSink of_file = scanned(*scanner, {sample.kind, "sample", {}, fd.get(), size});
      check.that(of_file.told == of_bytes.told, "bytes:\n" + of_bytes.told + "file from " +
                                                    std::to_string(offset) + ":\n" + of_file.told);
      check.that(fcntl(fd.get(), F_GETFD) != -1, "the scanner closed the file");
    }
  }
  return check.take();
}

inline Violations what_cannot_be_read_is_not_examined(const ScannerUnderTest& under_test) {
  Check check;
  const auto scanner = under_test.make();
  for (const ScannerSample& sample : under_test.samples) {
    const TemporaryFile file(sample.bytes.empty() ? "x" : sample.bytes);
    const Fd fd = file.open(O_WRONLY);
    const std::uint64_t size = std::max<std::size_t>(sample.bytes.size(), 1);
    const RecordingSink sink = scanned(*scanner, {sample.kind, "sample", {}, fd.get(), size});
    check.that(sink.ends == 1 && !sink.was_examined, "an unreadable file counts as examined");
  }
  return check.take();
}

inline Violations threads_share_a_scanner(const ScannerUnderTest& under_test) {
  const auto scanner = under_test.make();
  const auto all = [&] {
    std::string out;
    for (const ScannerSample& sample : with_damaged(under_test)) {
      out += scanned(*scanner, {sample.kind, "s", sample.bytes, -1, sample.bytes.size()}).told;
    }
    return out;
  };
  const std::string wanted = all();
  std::vector<std::string> seen(4);
  on_threads(seen.size(), [&](std::size_t thread) { seen[thread] = all(); });
  Check check;
  for (const std::string& one : seen) check.that(one == wanted, "a thread got something else");
  return check.take();
}

}  // namespace contract

class ScannerContract : public ::testing::TestWithParam<ScannerUnderTest> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ScannerContract);

TEST_P(ScannerContract, AScannerNamesItselfAndClaimsItsKinds) {
  EXPECT_EQ(contract::lines(contract::a_scanner_names_itself_and_claims_its_kinds(GetParam())), "");
}
TEST_P(ScannerContract, EveryArtifactEndsOnce) {
  EXPECT_EQ(contract::lines(contract::every_artifact_ends_once(GetParam())), "");
}
TEST_P(ScannerContract, BytesAndFileGiveTheSame) {
  EXPECT_EQ(contract::lines(contract::bytes_and_file_give_the_same(GetParam())), "");
}
TEST_P(ScannerContract, WhatCannotBeReadIsNotExamined) {
  EXPECT_EQ(contract::lines(contract::what_cannot_be_read_is_not_examined(GetParam())), "");
}
TEST_P(ScannerContract, ThreadsShareAScanner) {
  EXPECT_EQ(contract::lines(contract::threads_share_a_scanner(GetParam())), "");
}

}  // namespace davy
