#include "mechanisms/formats/scan_driver.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace davy::formats {

ScanDriver::ScanDriver(const Scanner& primary, std::span<const std::unique_ptr<Scanner>> scanners,
                       ScanLimits limits, const Clock& clock)
    : primary_(primary), scanners_(scanners), limits_(limits), clock_(clock) {
  report_.scanner = primary.name();
  report_.tool_version = tool_version();
}

Result<void> ScanDriver::scan_path(const std::string& path) {
  return walk(path, limits_.walk, clock_,
              {[this](const Artifact& file) { scan_artifact(file); },
               [this](NotExamined entry, std::uint64_t bytes) {
                 report_.coverage.skip(std::move(entry), bytes);
               }});
}

void ScanDriver::scan_artifact(const Artifact& artifact) {
  if (primary_.claims(artifact.kind)) {
    run(primary_, artifact);
    return;
  }
  bool claimed = false;
  if (nesting_ > 0) {
    for (const auto& scanner : scanners_) {
      if (scanner.get() == &primary_ || !scanner->claims(artifact.kind)) continue;
      claimed = true;
      run(*scanner, artifact);
    }
  }
  if (!claimed) {
    report_.coverage.skip(
        {artifact.name, "no scanner for this kind (" + artifact.kind + ")", false}, artifact.size);
  }
}

void ScanDriver::run(const Scanner& scanner, const Artifact& artifact) {
  Current current{&artifact};
  Current* const outer = std::exchange(current_, &current);
  const std::size_t object = report_.objects.size();
  report_.objects.push_back({artifact.name, artifact.kind, Verdict::clean});
  Error failure;
  bool failed = false;
  try {
    if (auto done = scanner.scan(artifact, *this, scratch_); !done) {
      failure = std::move(done).error();
      failed = true;
    }
  } catch (const std::exception&) {
    failure = internal_error("the scanner failed");
    failed = true;
  }
  if (failed) {
    // The artifact is named beside it already.
    not_examined({artifact.name, failure.message, true}, artifact.size);
  } else if (!current.ended) {
    not_examined({artifact.name, "the scanner said nothing of it", true}, artifact.size);
  }
  if (current.unreadable) {
    report_.objects[object].verdict = Verdict::unreadable;
  } else if (current.findings > 0) {
    report_.objects[object].verdict = Verdict::findings;
  }
  // What lies inside an object speaks for the object.
  if (outer != nullptr) outer->findings += current.findings;
  current_ = outer;
}

void ScanDriver::finding(Finding finding) {
  if (current_ != nullptr) {
    ++current_->findings;
    if (finding.location.file.empty()) finding.location.file = current_->artifact->name;
  }
  if (report_.findings.size() < limits_.findings) {
    report_.findings.push_back(std::move(finding));
    return;
  }
  ++report_.findings_not_listed;
  const Severity worst = report_.worst_not_listed.value_or(finding.severity);
  report_.worst_not_listed = std::max(worst, finding.severity);
}

void ScanDriver::not_examined(NotExamined entry, std::uint64_t bytes) {
  if (current_ != nullptr) {
    current_->ended = true;
    current_->unreadable = true;
    if (entry.what.empty()) entry.what = current_->artifact->name;
  }
  report_.coverage.skip(std::move(entry), bytes);
}

void ScanDriver::examined(std::uint64_t bytes) {
  // A second word on the same artifact would count it twice.
  if (current_ != nullptr && std::exchange(current_->ended, true)) return;
  ++report_.coverage.examined;
  report_.coverage.examined_bytes += bytes;
}

void ScanDriver::embedded(const Artifact& part) {
  if (nesting_ >= limits_.nesting) {
    report_.coverage.skip(
        {part.name, "nested deeper than " + std::to_string(limits_.nesting), true}, part.size);
    return;
  }
  ++nesting_;
  scan_artifact(part);
  --nesting_;
}

Report ScanDriver::take_report(std::string target) {
  report_.target = std::move(target);
  return std::move(report_);
}

}  // namespace davy::formats
