#include "mechanisms/store/upkeep/upgrade.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "mechanisms/store/upkeep/backup.h"
#include "mechanisms/store/upkeep/state_copy.h"
#include "mechanisms/store/upkeep/streams.h"

namespace davy::store {
namespace {

Result<std::uint64_t> next_to_nothing(const Home&) { return std::uint64_t{4096}; }

Result<void> restrict_mode(const Home& home, const char* name, mode_t mode) {
  if (fchmodat(home.folder().fd(), name, mode, 0) != 0 && errno != ENOENT) {
    return unavailable(fmt::format("cannot set the mode: {}", strerrordesc_np(errno)),
                       {home.file(name)});
  }
  return {};
}

// With the time, since an upgrade that was cut short is begun again.
std::string default_name(const UpgradePlan& plan, WallTime now) {
  return fmt::format("before-format-{}-{}.tar", plan.to,
                     std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
}

// Formats begin: a home without the file `format` gets it, and is for its owner alone.
Result<void> begin_formats(const Home& home) {
  DAVY_TRY(check_state(home.file(kStateFile)));
  for (const char* const name : {kStateFile, kEventsFile, kPepperFile}) {
    DAVY_TRY(restrict_mode(home, name, S_IRUSR | S_IWUSR));
  }
  return restrict_mode(home, ".", S_IRWXU);
}

constexpr std::array<UpgradeStep, 1> kSteps{{
    {1, 0, "write down the format, and take the home's files away from other users",
     next_to_nothing, begin_formats},
}};

}  // namespace

std::span<const UpgradeStep> upgrade_steps() noexcept { return kSteps; }

Result<UpgradePlan> plan_upgrade(const Home& home, std::span<const UpgradeStep> steps) {
  UpgradePlan plan;
  plan.home = home.path();
  plan.from = plan.to = home.format().number;
  for (const UpgradeStep& step : steps) {
    if (step.to <= plan.from) continue;
    if (step.to != plan.to + 1) return internal_error("a step of the upgrade is missing");
    plan.to = step.to;
    plan.steps.push_back(step);
    DAVY_ASSIGN(const std::uint64_t bytes, step.space(home));
    plan.step_bytes += bytes;
  }
  if (plan.steps.empty()) return plan;
  DAVY_ASSIGN(plan.backup_bytes, backup_size(home));
  DAVY_ASSIGN(plan.free_bytes, free_bytes(home.folder()));
  return plan;
}

Result<std::string> upgrade(const Home& home, std::span<const UpgradeStep> steps,
                            const std::string& backup, WallTime now) {
  DAVY_ASSIGN(const HomeLock lock, HomeLock::take_for_upgrade(home));
  DAVY_ASSIGN(const UpgradePlan plan, plan_upgrade(home, steps));
  if (plan.steps.empty()) return std::string();
  if (!plan.fits()) {
    return unavailable(fmt::format("the upgrade needs {} bytes, and the disk has room for {}",
                                   plan.backup_bytes + plan.step_bytes, plan.free_bytes),
                       {home.path()}, "make room on the disk");
  }
  const std::string file = backup.empty() ? home.file(default_name(plan, now).c_str()) : backup;
  DAVY_ASSIGN(const BackupReport made, back_up(home, file, true, now));
  for (const UpgradeStep& step : plan.steps) {
    DAVY_TRY(step.carry_out(home));
    DAVY_TRY(home.folder().write(kFormatFile, format_line({step.to, step.oldest_reader}), 0600));
  }
  return made.file;
}

}  // namespace davy::store
