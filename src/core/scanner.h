// Scanners: what examines files, images, models and manifests. The gateway's stages
// judge exchanges; scanners judge things that lie still.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/coverage.h"
#include "core/finding.h"
#include "core/scratch.h"

namespace davy {

// One thing to examine: bytes in memory, or an open file to be read from its start.
struct Artifact {
  std::string kind;  // "file", "archive", "bucket_policy", "notebook_cell"
  std::string name;  // path, then "!" for each nesting: "model.zip!data.pkl"
  std::string_view bytes;
  int fd = -1;             // used when >= 0; the scanner does not close it
  std::uint64_t size = 0;  // of the bytes or the file
};

// What a scanner says. Belongs to one scan; the implementation may be shared by
// threads only if it says so.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void finding(Finding finding) = 0;
  virtual void not_examined(NotExamined entry, std::uint64_t bytes) = 0;
  // The artifact was examined to its end.
  virtual void examined(std::uint64_t bytes) = 0;
  // Hands a part to whichever scanner claims its kind. Bounded: nesting deeper than the
  // walk's limit becomes not_examined. Returns when the part was examined.
  virtual void embedded(const Artifact& part) = 0;
};

// Immutable, thread-safe.
class Scanner {
 public:
  virtual ~Scanner() = default;
  // The word on the command line and in reports: "secrets".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual std::string_view summary() const noexcept = 0;
  // Whether it examines artifacts of this kind.
  [[nodiscard]] virtual bool claims(std::string_view kind) const noexcept = 0;
  // Every artifact ends in exactly one of sink.examined, sink.not_examined or an Error
  // (which the caller turns into a fatal not_examined).
  [[nodiscard]] virtual Result<void> scan(const Artifact& artifact, Sink& sink,
                                          Scratch& scratch) const = 0;
};

}  // namespace davy
