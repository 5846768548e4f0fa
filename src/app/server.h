// What `davy serve` runs: the home, what lives in it, and the gateway.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "app/reloader.h"
#include "base/clock.h"
#include "base/result.h"
#include "core/config.h"

namespace davy::app {

class Server {
 public:
  // Owns the home until destroyed. Mistakes of the configuration are in `diagnostics`
  // (and the error says so); all else is the error.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const std::string& config_file,
                                                             const Clock& clock,
                                                             Diagnostics& diagnostics);
  virtual ~Server() = default;

  // Reads the configuration again (see reloader.h). A bad one changes nothing and is told
  // in the log. Thread-safe.
  virtual void reload(Cause cause, std::span<const std::string> changed = {}) = 0;
  // What the configuration was last read from, and whether these files are to be watched.
  [[nodiscard]] virtual FileMarks files() const = 0;
  [[nodiscard]] virtual bool watches() const = 0;
  // Takes no new connections and lets exchanges finish, for at most ten seconds.
  virtual void drain() = 0;
};

}  // namespace davy::app
