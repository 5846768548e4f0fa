// A backup: one file that holds a home as it stood at one moment.
//
//   format         the home's; empty where it has none (format 0)
//   state.sqlite   the state between two orders
//   events.jsonl   every whole line that was written by then
//   pepper         only where it was asked for: whoever has it and the state can try keys
//   manifest.json  what the others are, with their SHA-256; last, so that a cut is noticed
//
// in this order and the form of archive.h. The state is taken before the events, so that no
// key of the state lacks its events. Nothing is locked: a server goes on meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "mechanisms/store/home.h"

namespace davy::store {

inline constexpr char kManifestFile[] = "manifest.json";

enum class PepperPart : std::uint8_t {
  included,
  left_out,   // it lies in the home, and was not asked for
  elsewhere,  // it does not lie in the home
};

struct BackupFacts {
  std::string created;  // RFC 3339
  HomeFormat format;
  std::uint64_t last_order = 0;
  std::uint64_t events = 0;  // lines
  PepperPart pepper = PepperPart::left_out;
};

struct BackupReport {
  BackupFacts facts;
  std::string file;
  std::uint64_t bytes = 0;
  std::string sha256;  // of the file; kept elsewhere it tells whether the file was changed
};

// Writes `file`, mode 0600, whole or not at all; a folder gets a file named by the time. What
// is there is not replaced. Call it after the order evidence.flush, so that the newest events
// are on disk.
[[nodiscard]] Result<BackupReport> back_up(const Home& home, const std::string& file,
                                           bool with_secrets, WallTime now);

// The bytes that back_up would write at most, as the home stands.
[[nodiscard]] Result<std::uint64_t> backup_size(const Home& home);

}  // namespace davy::store
