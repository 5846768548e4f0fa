// davy: one binary. Finds the command, gives it its context, returns its exit status.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "app/builtins.h"
#include "app/snapshot_builder.h"
#include "base/strings.h"
#include "mechanisms/store/home_order_desk.h"
#include "pillars/access/keys/key_orders.h"
#include "pillars/monitoring/evidence/evidence_orders.h"

namespace davy::app {
namespace {

constexpr std::string_view kAbout =
    "Davylamp: one gateway and tool-chain for secure AI enablement.\n"
    "Exit status: 0 clean or allowed, 1 findings or policy says no, 2 trouble.";

// Handlers for an order that is carried out without a server.
store::OrderRouter::Handlers local_handlers(const store::Home& home) {
  store::OrderRouter::Handlers handlers;
  handlers.push_back(std::make_unique<access::KeyOrders>(home.path()));
  handlers.push_back(std::make_unique<evidence::EvidenceOrders>(nullptr));
  return handlers;
}

// The subcommand for a path such as "key create", with its parents.
CLI::App& subcommand(CLI::App& root, std::string_view path, std::string_view summary) {
  static const std::map<std::string, std::string, std::less<>> kGroups{
      {"key", "Make, list and revoke keys"},
      {"scan", "Examine files, images, models and manifests"},
  };
  CLI::App* at = &root;
  const auto words = split(path, ' ');
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word(words[i]);
    const auto found =
        at->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == word; });
    CLI::App* next = found.empty() ? nullptr : found.front();
    if (next == nullptr) {
      std::string about;
      if (i + 1 == words.size()) {
        about = summary;
      } else if (const auto group = kGroups.find(word); group != kGroups.end()) {
        about = group->second;
      }
      next = at->add_subcommand(word, about);
      if (i + 1 < words.size()) next->require_subcommand(1);
    }
    at = next;
  }
  return *at;
}

// Names a word that is no command, which CLI11 would not. Empty when all is well.
std::string unknown_command(const CLI::App& root, int argc, char** argv) {
  const CLI::App* at = &root;
  for (int i = 1; i < argc; ++i) {
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* sub : at->get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(sub->get_name());
      if (names.back() == argv[i]) next = sub;
    }
    if (names.empty() || argv[i][0] == '-') return "";
    if (next == nullptr) {
      std::string out = "davy: there is no command `" + printable(argv[i], 60) + "`";
      if (const auto near = nearest(argv[i], names)) out += "; did you mean `" + *near + "`?";
      return out + "\nRun with --help for the usage.\n";
    }
    at = next;
  }
  return "";
}

int run(int argc, char** argv) {
  const auto scanner_list = scanners();
  if (!scanner_list) {
    std::cerr << "davy: " << scanner_list.error().text() << "\n";
    return kExitTrouble;
  }
  const auto all = commands(*scanner_list);

  CLI::App app{std::string(kAbout), "davy"};
  app.set_version_flag("--version", std::string("davy ") + DAVY_VERSION);
  app.require_subcommand(1);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    return "davy: " + std::string(error.what()) + "\nRun with --help for the usage.\n";
  });
  Command* chosen = nullptr;
  for (const auto& command : all) {
    CLI::App& sub = subcommand(app, command->path(), command->summary());
    command->define(sub);
    sub.callback([&chosen, raw = command.get()] { chosen = raw; });
  }
  if (const std::string wrong = unknown_command(app, argc, argv); !wrong.empty()) {
    std::cerr << wrong;
    return kExitTrouble;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitClean : kExitTrouble;
  }

  SnapshotBuilder snapshots;
  store::HomeOrderDesk desk(system_clock(), local_handlers);
  CommandContext context{std::cin,  std::cout, std::cerr, system_clock(),
                         snapshots, desk,      modules(), *scanner_list};
  const int status = chosen->run(context);
  std::cout.flush();
  return std::cout.good() ? status : kExitTrouble;
}

}  // namespace
}  // namespace davy::app

int main(int argc, char** argv) {
  try {
    return davy::app::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "davy: internal error: " << error.what() << "\n";
    return davy::kExitTrouble;
  }
}
