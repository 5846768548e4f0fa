// Runs a scanner over a path and gathers what it says into a report.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "core/scanner.h"
#include "mechanisms/formats/report.h"
#include "mechanisms/formats/walker.h"

namespace davy::formats {

struct ScanLimits {
  WalkLimits walk{};
  std::uint32_t nesting = 16;  // artifacts inside artifacts
  std::size_t findings = 100'000;
};

// A part that a scanner hands on (Sink::embedded) goes to `primary` if it claims the kind,
// else to every scanner that does; if none does, it is not examined, which is no failure.
// Belongs to one scan and one thread.
class ScanDriver final : public Sink {
 public:
  // `primary` is one of `scanners` or stands alone; all must outlive the driver.
  ScanDriver(const Scanner& primary, std::span<const std::unique_ptr<Scanner>> scanners,
             ScanLimits limits, const Clock& clock);

  // Walks `path`. An error when it cannot be opened at all; the report is empty then.
  [[nodiscard]] Result<void> scan_path(const std::string& path);
  // Examines one artifact in memory or of an open file, as if it were walked.
  void scan_artifact(const Artifact& artifact);
  // Call it once, last.
  [[nodiscard]] Report take_report(std::string target);

  void finding(Finding finding) override;
  void not_examined(NotExamined entry, std::uint64_t bytes) override;
  void examined(std::uint64_t bytes) override;
  void embedded(const Artifact& part) override;

 private:
  // The artifact in hand: what was said of it so far.
  struct Current {
    const Artifact* artifact;
    std::size_t findings = 0;
    bool ended = false;
    bool unreadable = false;
  };
  void run(const Scanner& scanner, const Artifact& artifact);

  const Scanner& primary_;
  std::span<const std::unique_ptr<Scanner>> scanners_;
  ScanLimits limits_;
  const Clock& clock_;
  Scratch scratch_;
  Report report_;
  Current* current_ = nullptr;
  std::uint32_t nesting_ = 0;
};

}  // namespace davy::formats
