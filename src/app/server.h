// What `davy serve` runs: the home, what lives in it, and the gateway.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/reloader.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "core/config.h"

namespace davy::app {

struct ServerStart {
  std::string config_file;
  bool take_over = false;   // from the davy that serves with this home
  std::vector<Fd> sockets;  // that listen, from a service manager
};

// Why a server takes no more connections.
enum class Stop : std::uint8_t { told, relieved };

class Server {
 public:
  // Owns the home until destroyed or relieved. Mistakes of the configuration are in
  // `diagnostics` (and the error says so); all else is the error.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerStart start, const Clock& clock,
                                                             Diagnostics& diagnostics);
  virtual ~Server() = default;

  // Reads the configuration again (see reloader.h). A bad one changes nothing and is told
  // in the log. Thread-safe.
  virtual void reload(Cause cause, std::span<const std::string> changed = {}) = 0;
  // What the configuration was last read from, and whether these files are to be watched.
  [[nodiscard]] virtual FileMarks files() const = 0;
  [[nodiscard]] virtual bool watches() const = 0;

  // Can be read once another davy has taken this one's place; then who that is.
  [[nodiscard]] virtual int relieved_fd() const noexcept = 0;
  [[nodiscard]] virtual pid_t relieved_by() const noexcept = 0;

  // Takes no new connections and lets exchanges finish. A server that was relieved may still
  // be told to stop.
  virtual void stop(Stop why) = 0;
  // How long that may take, by the configuration in force.
  [[nodiscard]] virtual std::chrono::milliseconds patience() const = 0;
  // Whether nothing is left. Call it again and again: a server that was relieved looks here
  // for keys that were revoked meanwhile.
  [[nodiscard]] virtual bool drained() = 0;
};

}  // namespace davy::app
