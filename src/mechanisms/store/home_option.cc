#include "mechanisms/store/home_option.h"

#include <CLI/CLI.hpp>
#include <ostream>
#include <utility>

#include "base/files.h"

namespace davy::store {

void HomeOption::define(CLI::App& app) {
  CLI::Option* const config =
      app.add_option("-c,--config", config_, "Configuration file that names the home")
          ->default_str(kDefaultConfig);
  app.add_option("--home", home_, "Folder with davy's state and events")->excludes(config);
}

Result<NamedHome> HomeOption::resolve(CommandContext& context) const {
  if (!home_.empty()) return NamedHome{home_, nullptr};
  const std::string file = config_.empty() ? kDefaultConfig : config_;
  Diagnostics diagnostics;
  auto loaded = context.snapshots.load(file, diagnostics);
  if (loaded == nullptr) {
    for (const Diagnostic& each : diagnostics.all()) {
      if (each.error) context.err << each.text() << '\n';
    }
    return invalid_input("the configuration cannot be used", {file},
                         "mend it (`davy check -c " + file + "`), or give --home DIR");
  }
  std::string home = davy::resolve(loaded->folder, loaded->settings.home);
  return NamedHome{std::move(home), std::move(loaded)};
}

}  // namespace davy::store
