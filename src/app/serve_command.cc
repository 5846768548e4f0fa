#include "app/serve_command.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <ostream>
#include <string>

#include "app/server.h"
#include "app/service_manager.h"
#include "base/log.h"

namespace davy::app {
namespace {

class ServeCommand final : public Command {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return "serve"; }
  [[nodiscard]] std::string_view summary() const noexcept override {
    return "Run the gateway: model APIs behind keys, rules and evidence";
  }
  void define(CLI::App& app) override {
    app.add_option("-c,--config", config_, "Configuration file")->capture_default_str();
    app.footer(
        "SIGHUP reads the configuration again; a bad one changes nothing. SIGTERM stops\n"
        "after the exchanges under way, ten seconds at most. `davy init` writes a first\n"
        "configuration, `davy key create --experiment NAME` the first key.");
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
    for (;;) {
      int signal = 0;
      if (sigwait(&signals, &signal) != 0) continue;
      if (signal == SIGHUP) {
        manager.reloading(context.clock.now());
        (*server)->reload();
        manager.ready();
        continue;
      }
      manager.stopping();
      (*server)->drain();
      break;
    }
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
