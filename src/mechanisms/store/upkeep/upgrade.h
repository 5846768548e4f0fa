// From an older form of a home to ours, step by step.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "mechanisms/store/home.h"

namespace davy::store {

struct UpgradeStep {
  std::uint32_t to = 0;  // from the one below
  std::uint32_t oldest_reader =
      0;                  // of what it makes: below `to`, so that one version back reads it
  std::string_view what;  // one line for a person
  // Bytes that it needs on the disk, beside the backup.
  Result<std::uint64_t> (*space)(const Home& home) = nullptr;
  // Runs again after a crash, so it must not mind what it did before.
  Result<void> (*carry_out)(const Home& home) = nullptr;
};

// To every format that this davy knows, in order.
[[nodiscard]] std::span<const UpgradeStep> upgrade_steps() noexcept;

struct UpgradePlan {
  std::string home;
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  std::vector<UpgradeStep> steps;  // none: nothing to do
  std::uint64_t backup_bytes = 0;  // at most
  std::uint64_t step_bytes = 0;
  std::uint64_t free_bytes = 0;  // where the home lies
  [[nodiscard]] bool fits() const noexcept { return backup_bytes + step_bytes <= free_bytes; }
};

// What an upgrade would do; changes nothing.
[[nodiscard]] Result<UpgradePlan> plan_upgrade(const Home& home,
                                               std::span<const UpgradeStep> steps);

// Takes the home to the format of the last step, under its lock: unavailable while a server
// runs. Writes a backup with the pepper first, to `backup` if that is not empty, else into the
// home as `before-format-N-SECONDS.tar`. The file `format` is written after each step, so a crash
// leaves a home that an upgrade takes further. Gives the backup's path; "" if nothing was to do.
[[nodiscard]] Result<std::string> upgrade(const Home& home, std::span<const UpgradeStep> steps,
                                          const std::string& backup, WallTime now);

}  // namespace davy::store
