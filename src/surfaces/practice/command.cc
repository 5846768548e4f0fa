#include "surfaces/practice/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <ostream>
#include <string>

#include "core/settings.h"
#include "mechanisms/net/listener.h"
#include "mechanisms/net/loop.h"
#include "surfaces/practice/practice_server.h"

namespace davy::practice {
namespace {

class PracticeCommand final : public Command {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return "practice"; }
  [[nodiscard]] std::string_view summary() const noexcept override {
    return "Run a deliberately naive model API to practise on";
  }
  void define(CLI::App& app) override {
    app.add_option("--listen", listen_, "Address and port; port 0 takes a free one")
        ->capture_default_str();
    app.add_option("--pause", pause_ms_, "Milliseconds between the events of a streamed answer")
        ->capture_default_str()
        ->check(CLI::Range(0, 60'000));
    app.footer(
        "OpenAI chat at /v1/chat/completions, the same at /v1/responses, vectors at\n"
        "/v1/embeddings, a fraud score at /predict, and at /calls how often each was called.\n"
        " It has a system prompt with a secret and gives it away to\n"
        "whoever asks: point `davy serve` at it and see what is stopped.");
  }

  [[nodiscard]] int run(CommandContext& context) override {
    const auto endpoint = parse_endpoint(listen_);
    if (!endpoint) {
      context.err << "davy practice: --listen " << listen_ << ": " << endpoint.error().text()
                  << "\n";
      return kExitTrouble;
    }
    // Blocked before threads start, so that only sigwait below takes them.
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::signal(SIGPIPE, SIG_IGN);

    PracticeServer server{std::chrono::milliseconds(pause_ms_)};
    net::Loops loops(std::min<std::size_t>(net::usable_cores(), 2), context.clock);
    auto listener = net::Listener::bind(*endpoint, loops, loops.size());
    if (!listener) {
      context.err << "davy practice: " << listener.error().text() << "\n";
      return kExitTrouble;
    }
    (*listener)->start(server.serve());
    loops.start();
    context.out << "A naive model API listens on http://" << (*listener)->endpoint().text()
                << "/v1 (no key, any model name). Ctrl-C ends it." << std::endl;
    int signal = 0;
    while (sigwait(&signals, &signal) != 0) {
    }
    (*listener)->stop();
    loops.stop();
    return kExitClean;
  }

 private:
  std::string listen_ = "127.0.0.1:9001";
  int pause_ms_ = 40;
};

}  // namespace

std::unique_ptr<Command> practice_command() { return std::make_unique<PracticeCommand>(); }

}  // namespace davy::practice
