// For tests: runs a command as `davy` does, with arguments and string streams.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "core/command.h"
#include "core/settings.h"

namespace davy::cli {

// Gives what a test put in.
class FakeSnapshots final : public SnapshotSource {
 public:
  std::unique_ptr<const LoadedConfig> load(const std::string& file,
                                           Diagnostics& diagnostics) override {
    asked.push_back(file);
    say(diagnostics);
    if (!diagnostics.ok()) return nullptr;
    auto loaded = std::make_unique<LoadedConfig>();
    loaded->settings = settings;
    return loaded;
  }
  std::shared_ptr<const Snapshot> build(const std::string& file,
                                        Diagnostics& diagnostics) override {
    asked.push_back(file);
    say(diagnostics);
    if (!diagnostics.ok()) return nullptr;
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->settings = settings;
    snapshot->policy_digest = "d1ge57";
    if (auto modes = rule_modes(settings)) snapshot->modes = *std::move(modes);
    return snapshot;
  }

  Settings settings;
  Diagnostics found;
  std::vector<std::string> asked;

 private:
  void say(Diagnostics& out) const {
    for (const Diagnostic& d : found.all()) {
      if (d.error) {
        out.error(d.message, d.place, d.hint);
      } else {
        out.warning(d.message, d.place, d.hint);
      }
    }
  }
};

class NoOrders final : public OrderDesk {
 public:
  Result<std::string> order(const std::string&, std::string_view, std::string_view) override {
    return internal_error("this command gives no orders");
  }
};

struct Ran {
  int status = -1;  // kUsage if the arguments were refused
  std::string out;
  std::string err;
};
inline constexpr int kUsage = 1000;

inline Ran run(std::unique_ptr<Command> command, std::vector<std::string> arguments,
               FakeSnapshots& snapshots, std::span<const ModuleInfo> modules = {},
               WallTime wall = {}) {
  CLI::App app;
  command->define(app);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes a vector from its end
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return {kUsage, "", error.what()};
  }
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const ManualClock clock(wall);
  NoOrders orders;
  CommandContext context{in, out, err, clock, snapshots, orders, modules, {}};
  Ran ran;
  ran.status = command->run(context);
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

inline Ran run(std::unique_ptr<Command> command, std::vector<std::string> arguments = {}) {
  FakeSnapshots snapshots;
  return run(std::move(command), std::move(arguments), snapshots);
}

}  // namespace davy::cli
