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

// 0: none has come.
int next_signal(const Fd& signals) {
  signalfd_siginfo signal{};
  const bool came = ::read(signals.get(), &signal, sizeof signal) == sizeof signal;
  return came ? static_cast<int>(signal.ssi_signo) : 0;
}

// Until SIGTERM or SIGINT, or until another davy has taken over: reads the configuration
// again when asked, or when a file of it has changed. An error: the kernel does not let us
// wait.
Result<Stop> serve(Server& server, const Fd& signals, const Clock& clock,
                   const ServiceManager& manager) {
  FileWatch watch;
  watch.expect(server.files());
  const auto reload = [&](Cause cause, std::span<const std::string> changed) {
    manager.reloading(clock.now());
    server.reload(cause, changed);
    watch.expect(server.files());
    manager.ready();
  };
  for (;;) {
    std::array<pollfd, 3> wanted{
        {{signals.get(), POLLIN, 0}, {watch.fd(), POLLIN, 0}, {server.relieved_fd(), POLLIN, 0}}};
    if (::poll(wanted.data(), wanted.size(), static_cast<int>(watch.patience().count())) < 0 &&
        errno != EINTR) {
      return unavailable("cannot wait for signals");
    }
    if (const int signal = next_signal(signals); signal == SIGHUP) {
      reload(Cause::signal, {});
    } else if (signal != 0) {
      return Stop::told;
    } else if (wanted[2].revents != 0) {
      return Stop::relieved;
    } else if (server.watches() && watch.changed(clock.now().steady)) {
      reload(Cause::files, watch.what());
    }
  }
}

// Until nothing is left or the server's patience has ended. True: a signal came before that.
bool drain(Server& server, const Fd& signals, const Clock& clock) {
  constexpr int kStep = 20;  // milliseconds
  const SteadyTime end = clock.now().steady + server.patience();
  while (!server.drained()) {
    if (clock.now().steady >= end) {
      log::warning("some exchanges did not finish in time");
      return false;
    }
    pollfd wanted{signals.get(), POLLIN, 0};
    (void)::poll(&wanted, 1, kStep);
    const int signal = next_signal(signals);
    if (signal == SIGTERM || signal == SIGINT) return true;
  }
  return false;
}

// From the first reason to stop to the end.
void stop(Server& server, Stop why, const Fd& signals, const Clock& clock,
          const ServiceManager& manager) {
  if (why == Stop::relieved) {
    server.stop(Stop::relieved);
    manager.relieved_by(server.relieved_by());
    log::info("another davy has taken over: no new connections",
              {{"process", static_cast<std::int64_t>(server.relieved_by())}});
    if (!drain(server, signals, clock)) return;
  } else {
    manager.stopping();
  }
  log::info("stopping: no new connections");
  server.stop(Stop::told);
  if (drain(server, signals, clock)) log::warning("told to stop again: exchanges are cut");
}

class ServeCommand final : public Command {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return "serve"; }
  [[nodiscard]] std::string_view summary() const noexcept override {
    return "Run the gateway: model APIs behind keys, rules and evidence";
  }
  void define(CLI::App& app) override {
    app.add_option("-c,--config", config_, "Configuration file")->capture_default_str();
    app.add_flag("--take-over", take_over_,
                 "Take the place of the davy that serves with the same home, dropping no request");
    app.footer(
        "The configuration is read again when one of its files changes, and on SIGHUP; a bad\n"
        "one changes nothing. SIGTERM stops after the exchanges under way, `drain_timeout` at\n"
        "most; a second one stops at once. With --take-over the one that runs ends by itself\n"
        "when its exchanges have; it goes on if this one cannot start. `davy init` writes a\n"
        "first configuration, `davy key create --experiment NAME` the first key.");
  }

  [[nodiscard]] int run(CommandContext& context) override {
    // Blocked here, so that every thread made later blocks them too and only this one
    // takes them.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    auto sockets = sockets_from_environment();
    if (!sockets) return trouble(context, sockets.error());
    const Fd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signal_fd.valid()) return trouble(context, unavailable("signals cannot be received"));

    Diagnostics diagnostics;
    auto server =
        Server::start({config_, take_over_, *std::move(sockets)}, context.clock, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      context.err << diagnostic.text() << "\n";
    }
    if (!server) return trouble(context, server.error());
    context.err.flush();
    const ServiceManager manager = ServiceManager::from_environment();
    manager.ready();
    const auto why = serve(**server, signal_fd, context.clock, manager);
    if (!why) log::error(why.error().text());
    stop(**server, why ? *why : Stop::told, signal_fd, context.clock, manager);
    server->reset();
    log::info("stopped");
    return kExitClean;
  }

 private:
  static int trouble(CommandContext& context, const Error& error) {
    context.err << "davy serve: " << error.text() << "\n";
    return kExitTrouble;
  }

  std::string config_ = "davylamp.yaml";
  bool take_over_ = false;
};

}  // namespace

std::unique_ptr<Command> serve_command() { return std::make_unique<ServeCommand>(); }

}  // namespace davy::app
