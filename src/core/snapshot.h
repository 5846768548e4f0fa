// A snapshot: everything that one version of the configuration says, compiled. An
// exchange pins the snapshot it began with, so a reload is atomic. What must survive a
// reload (buckets, revocations, windows) lives outside, keyed by stable id.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/config.h"
#include "core/experiment.h"
#include "core/model.h"
#include "core/provider_credentials.h"
#include "core/rule_modes.h"
#include "core/settings.h"
#include "core/stage.h"

namespace davy {

struct LoadedConfig;

struct Snapshot {
  std::uint64_t version = 0;  // grows by one with each that was published
  std::string
      policy_digest;  // SHA-256 (hex) over the configuration, its includes, floors and catalogue
  Settings settings;  // models and experiments among them
  Config config;
  RuleModes modes = RuleModes::defaults();
  std::vector<std::unique_ptr<const Stage>> stages;  // in the order of app/pipeline.cc
  // Resolved when the snapshot was built, so calls in flight finish with what they began.
  std::unique_ptr<const ProviderCredentials> credentials;

  [[nodiscard]] const Model* model(std::string_view name) const noexcept;
  [[nodiscard]] const Experiment* experiment(std::string_view name) const noexcept;
};

// Builds snapshots from a configuration file; app implements it.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // Reads the configuration and its includes only: nothing is compiled, no credential or
  // other file is opened. For commands that ask where the home is. Null as below.
  [[nodiscard]] virtual std::unique_ptr<const LoadedConfig> load(const std::string& config_file,
                                                                 Diagnostics& diagnostics) = 0;
  // All mistakes are in `diagnostics`; null if any is an error.
  [[nodiscard]] virtual std::shared_ptr<const Snapshot> build(const std::string& config_file,
                                                              Diagnostics& diagnostics) = 0;
};

}  // namespace davy
