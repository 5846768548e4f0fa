// The options with which a command finds its home: -c FILE or --home DIR.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "core/command.h"
#include "core/settings.h"

namespace davy::store {

// What `davy` reads where neither option is given.
inline constexpr char kDefaultConfig[] = "davylamp.yaml";

struct NamedHome {
  std::string path;
  std::unique_ptr<const LoadedConfig> config;  // null after --home
};

class HomeOption {
 public:
  void define(CLI::App& app);
  // The errors of the configuration go to context.err; the result says that it has some.
  // Warnings are left to `davy check`.
  [[nodiscard]] Result<NamedHome> resolve(CommandContext& context) const;

 private:
  std::string config_;
  std::string home_;
};

}  // namespace davy::store
