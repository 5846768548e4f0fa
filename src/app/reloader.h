// Builds the snapshots of a running server: the first one, and one each time that the
// configuration is to be read again. A configuration that is not good, or that only a new
// start can bring into force, changes nothing and is told in the log, once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "app/snapshot_builder.h"
#include "base/file_watch.h"
#include "core/config.h"
#include "core/snapshot.h"

namespace davy::app {

// Why the configuration is read again.
enum class Cause : std::uint8_t {
  order,   // state has changed, on which it may depend
  signal,  // somebody asked, and wants to hear what came of it
  files,   // they have changed
};

// Thread-safe.
class Reloader {
 public:
  // The builder must outlive it, and nobody else may build with it.
  Reloader(std::string config_file, SnapshotBuilder& builder)
      : config_file_(std::move(config_file)), builder_(builder) {}

  // Null: the mistakes are in `diagnostics`.
  [[nodiscard]] std::shared_ptr<const Snapshot> start(Diagnostics& diagnostics);
  // Null: what is in force stays. `changed`: the files, if they are the cause.
  [[nodiscard]] std::shared_ptr<const Snapshot> reload(Cause cause,
                                                       std::span<const std::string> changed);

  // What was read last, whatever came of it.
  [[nodiscard]] FileMarks files() const;
  // Whether the configuration in force wants its files watched.
  [[nodiscard]] bool watches() const;
  // Of the configuration in force.
  [[nodiscard]] DrainTimes drain() const;

 private:
  [[nodiscard]] std::shared_ptr<const Snapshot> build(Diagnostics& diagnostics);
  void complain(const Diagnostics& diagnostics, std::string_view why);

  const std::string config_file_;
  SnapshotBuilder& builder_;
  mutable std::mutex mutex_;  // guards all below
  FileMarks files_;
  bool watches_ = true;
  DrainTimes drain_;
  std::string policy_digest_;
  std::string fixed_part_;
  std::string complaint_;  // the last one; empty once a configuration was good
};

}  // namespace davy::app
