// Commands: one verb of the command line each. The module's command lives beside the
// module (`command.cc`); app/builtins.cc lists them all.
#pragma once

#include <iosfwd>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/config.h"
#include "core/event_sink.h"
#include "core/module.h"
#include "core/orders.h"
#include "core/scanner.h"
#include "core/snapshot.h"

namespace CLI {
class App;
}

namespace davy {

// DESIGN section 6: scripts depend on these.
inline constexpr int kExitClean = 0;     // clean or allowed
inline constexpr int kExitFindings = 1;  // findings at or above --fail-on, or policy says no
inline constexpr int kExitTrouble = 2;   // could not examine, bad input or usage

// What a command may use. References outlive the call.
struct CommandContext {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  const Clock& clock;
  SnapshotSource& snapshots;
  OrderDesk& orders;
  std::span<const ModuleInfo> modules;
  std::span<const std::unique_ptr<Scanner>> scanners;
};

class Command {
 public:
  virtual ~Command() = default;
  // Words from the top: "key create".
  [[nodiscard]] virtual std::string_view path() const noexcept = 0;
  [[nodiscard]] virtual std::string_view summary() const noexcept = 0;
  // Adds options, bound to members of this object.
  virtual void define(CLI::App& app) = 0;
  // The exit status. Errors go to context.err: what, where, what to do.
  [[nodiscard]] virtual int run(CommandContext& context) = 0;
};

}  // namespace davy
