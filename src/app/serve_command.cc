#include "app/serve_command.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <ostream>
#include <string>

#include "app/server.h"
#include "app/service_manager.h"
#include "base/log.h"

namespace davy::app {
namespace {

// Until SIGTERM or SIGINT: reads the configuration again when asked, or when a file of it
// has changed. An error: the kernel does not let us wait.
Result<void> serve(Server& server, const sigset_t& signals, const Clock& clock,
                   const ServiceManager& manager) {
  const Fd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signal_fd.valid()) return unavailable("signals cannot be received");
  FileWatch watch;
  watch.expect(server.files());
  const auto reload = [&](Cause cause, std::span<const std::string> changed) {
    manager.reloading(clock.now());
    server.reload(cause, changed);
    watch.expect(server.files());
    manager.ready();
  };
  for (;;) {
    std::array<pollfd, 2> wanted{{{signal_fd.get(), POLLIN, 0}, {watch.fd(), POLLIN, 0}}};
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(watch.patience().count())) < 0 &&
        errno != EINTR) {
      return unavailable("cannot wait for signals");
    }
    signalfd_siginfo signal{};
    if (::read(signal_fd.get(), &signal, sizeof signal) == sizeof signal) {
      if (signal.ssi_signo != SIGHUP) return {};
      reload(Cause::signal, {});
    } else if (server.watches() && watch.changed(clock.now().steady)) {
      reload(Cause::files, watch.what());
    }
  }
}

class ServeCommand final : public Command {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return "serve"; }
  [[nodiscard]] std::string_view summary() const noexcept override {
    return "Run the gateway: model APIs behind keys, rules and evidence";
  }
  void define(CLI::App& app) override {
    app.add_option("-c,--config", config_, "Configuration file")->capture_default_str();
    app.footer(
        "The configuration is read again when one of its files changes, and on SIGHUP; a bad\n"
        "one changes nothing. SIGTERM stops after the exchanges under way, ten seconds at\n"
        "most. `davy init` writes a first configuration, `davy key create --experiment NAME`\n"
        "the first key.");
  }

  [[nodiscard]] int run(CommandContext& context) override {
    // Blocked here, so that every thread made later blocks them too and only this one
    // takes them.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    Diagnostics diagnostics;
    auto server = Server::start(config_, context.clock, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      context.err << diagnostic.text() << "\n";
    }
    if (!server) {
      context.err << "davy serve: " << server.error().text() << "\n";
      return kExitTrouble;
    }
    context.err.flush();
    const ServiceManager manager = ServiceManager::from_environment();
    manager.ready();
    if (const auto served = serve(**server, signals, context.clock, manager); !served) {
      log::error(served.error().text());
    }
    manager.stopping();
    (*server)->drain();
    server->reset();
    log::info("stopped");
    return kExitClean;
  }

 private:
  std::string config_ = "davylamp.yaml";
};

}  // namespace

std::unique_ptr<Command> serve_command() { return std::make_unique<ServeCommand>(); }

}  // namespace davy::app
