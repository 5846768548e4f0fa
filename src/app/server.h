// What `davy serve` runs: the home, what lives in it, and the gateway.
#pragma once

#include <memory>
#include <string>

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

  // Reads the configuration again. A bad one changes nothing and is told in the log.
  // Thread-safe.
  virtual void reload() = 0;
  // Takes no new connections and lets exchanges finish, for at most ten seconds.
  virtual void drain() = 0;
};

}  // namespace davy::app
