// A home made of a backup.
#pragma once

#include <string>

#include "base/result.h"
#include "mechanisms/store/upkeep/backup.h"

namespace davy::store {

struct RestoreReport {
  BackupFacts facts;
  std::string home;    // absolute
  std::string sha256;  // of the backup
};

// Makes a home of the backup in `file` at `home`: a folder that is empty, or not there (its
// parent must be). The backup may come from anywhere: nothing but the five entries that
// back_up() writes is taken, in their order, their sizes and SHA-256 must be what the manifest
// says, and the state must be a whole one of davy's. Where something is wrong nothing stays but
// the empty folder. `sha256`, if not empty, is what the file's own must be.
//
// A backup of an older format becomes a home of that format, for `davy upgrade`; one that this
// davy cannot read is refused.
[[nodiscard]] Result<RestoreReport> restore(const std::string& file, const std::string& home,
                                            const std::string& sha256 = "");

}  // namespace davy::store
