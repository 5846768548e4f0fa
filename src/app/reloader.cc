#include "app/reloader.h"

#include <utility>

#include "base/log.h"

namespace davy::app {
namespace {

// What only a new start can change.
std::string fixed_part(const Snapshot& snapshot) {
  std::string out = snapshot.settings.home + "\n" + snapshot.settings.admin.text();
  for (const Endpoint& endpoint : snapshot.settings.listen) {
    out += "\n" + endpoint.text() + (endpoint.tls ? " tls" : "");
  }
  return out;
}

}  // namespace

std::shared_ptr<const Snapshot> Reloader::build(Diagnostics& diagnostics) {
  const ReadTrail trail;
  auto snapshot = builder_.build(config_file_, diagnostics);
  files_ = trail.marks();
  return snapshot;
}

std::shared_ptr<const Snapshot> Reloader::start(Diagnostics& diagnostics) {
  const std::lock_guard lock(mutex_);
  auto snapshot = build(diagnostics);
  if (!snapshot) return nullptr;
  watches_ = snapshot->settings.watch;
  drain_ = snapshot->settings.drain;
  policy_digest_ = snapshot->policy_digest;
  fixed_part_ = fixed_part(*snapshot);
  return snapshot;
}

std::shared_ptr<const Snapshot> Reloader::reload(Cause cause,
                                                 std::span<const std::string> changed) {
  const std::lock_guard lock(mutex_);
  Diagnostics diagnostics;
  auto snapshot = build(diagnostics);
  if (!snapshot) {
    complain(diagnostics, "the new configuration has mistakes; the old one stays in force");
    return nullptr;
  }
  // The sockets stay as they were bound, so what was checked of other addresses would not
  // hold for them.
  if (fixed_part(*snapshot) != fixed_part_) {
    complain(diagnostics,
             "listen, admin or home were changed, which needs a restart; the old configuration "
             "stays in force");
    return nullptr;
  }
  const bool mended = !std::exchange(complaint_, {}).empty();
  const bool same = std::exchange(policy_digest_, snapshot->policy_digest) == policy_digest_;
  watches_ = snapshot->settings.watch;
  drain_ = snapshot->settings.drain;
  const std::string_view policy = std::string_view(policy_digest_).substr(0, 12);
  if (cause == Cause::files) {
    // Perhaps a credential, which is no part of the policy.
    log::info("changed files were read again and are in force",
              {{"policy", policy}, {"files", changed.size()}, {"first", changed.front()}});
  } else if (!same || mended) {
    log::info("a new configuration is in force", {{"policy", policy}});
  } else if (cause == Cause::signal) {
    log::info("the configuration was read again and is the same", {{"policy", policy}});
  }
  return snapshot;
}

void Reloader::complain(const Diagnostics& diagnostics, std::string_view why) {
  std::string all(why);
  for (const Diagnostic& diagnostic : diagnostics.all()) all += "\n" + diagnostic.text();
  if (std::exchange(complaint_, all) == all) return;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (!diagnostic.error) continue;
    log::error("configuration", {{"what", diagnostic.message},
                                 {"where", diagnostic.place.text()},
                                 {"do", diagnostic.hint}});
  }
  log::error(why, {{"file", config_file_}});
}

FileMarks Reloader::files() const {
  const std::lock_guard lock(mutex_);
  return files_;
}

bool Reloader::watches() const {
  const std::lock_guard lock(mutex_);
  return watches_;
}

DrainTimes Reloader::drain() const {
  const std::lock_guard lock(mutex_);
  return drain_;
}

}  // namespace davy::app
