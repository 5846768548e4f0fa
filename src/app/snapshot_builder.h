// Builds snapshots: loads the configuration, compiles the stages, resolves credentials.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/snapshot.h"
#include "pillars/access/keys/key_ring.h"

namespace davy::app {

class SnapshotBuilder final : public SnapshotSource {
 public:
  // Without a ring, for commands that only check: the stages then know no key.
  explicit SnapshotBuilder(std::string floor_file = "/etc/davylamp/floor.yaml",
                           const Clock& clock = system_clock());
  // The ring must outlive all snapshots.
  void use_keys(const access::KeyRing& keys) { keys_ = &keys; }

  [[nodiscard]] std::unique_ptr<const LoadedConfig> load(const std::string& config_file,
                                                         Diagnostics& diagnostics) override;
  [[nodiscard]] std::shared_ptr<const Snapshot> build(const std::string& config_file,
                                                      Diagnostics& diagnostics) override;

 private:
  std::string floor_file_;
  const Clock& clock_;
  std::vector<std::unique_ptr<ConfigSection>> sections_;
  access::KeyRing no_keys_;
  const access::KeyRing* keys_;
  std::uint64_t version_ = 0;
};

}  // namespace davy::app
