#include "app/snapshot_builder.h"

#include "app/builtins.h"
#include "app/config_loader.h"
#include "app/pipeline.h"
#include "base/ids.h"
#include "mechanisms/crypto/sha256.h"
#include "pillars/access/credentials/credentials.h"

namespace davy::app {
namespace {

// A ring that knows no key, under a pepper that nobody has.
access::Pepper nobodys_pepper() { return {Secret(random_base62(access::kPepperSize)), "(none)"}; }

}  // namespace

SnapshotBuilder::SnapshotBuilder(std::string floor_file)
    : floor_file_(std::move(floor_file)),
      sections_(config_sections()),
      no_keys_(nobodys_pepper()),
      keys_(&no_keys_) {}

std::unique_ptr<const LoadedConfig> SnapshotBuilder::load(const std::string& config_file,
                                                          Diagnostics& diagnostics) {
  return load_config(config_file, sections_, floor_file_, diagnostics);
}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const std::string& config_file,
                                                       Diagnostics& diagnostics) {
  auto loaded = load_config(config_file, sections_, floor_file_, diagnostics);
  if (!loaded) return nullptr;
  auto snapshot = std::make_shared<Snapshot>();
  const Settings& settings = loaded->settings;
  snapshot->policy_digest =
      crypto::sha256_hex(loaded->digest_input + std::string(catalogue_digest()));
  snapshot->modes = RuleModes::defaults(settings.rules_edition);
  if (const auto applied = snapshot->modes.apply(settings.rules); !applied) {
    diagnostics.error(applied.error());
  }
  // Last: a floor holds whatever the project says.
  if (const auto applied = snapshot->modes.apply_floor(settings.floors); !applied) {
    diagnostics.error(applied.error());
  }
  auto stages = build_pipeline(loaded->config, *keys_);
  if (!stages) diagnostics.error(stages.error());
  snapshot->credentials = access::Credentials::load(
      settings.models, access::Credentials::process_environment(), diagnostics);
  if (!diagnostics.ok()) return nullptr;
  snapshot->stages = std::move(*stages);
  snapshot->settings = std::move(loaded->settings);
  snapshot->config = std::move(loaded->config);
  snapshot->version = ++version_;
  return snapshot;
}

}  // namespace davy::app
