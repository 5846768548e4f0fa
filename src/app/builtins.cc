#include "app/builtins.h"

#include "app/serve_command.h"
#include "mechanisms/dialects/anthropic.h"
#include "mechanisms/dialects/kserve.h"
#include "mechanisms/dialects/mcp.h"
#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/predict.h"
#include "mechanisms/store/upkeep/command.h"
#include "pillars/access/keys/access_config.h"
#include "pillars/access/keys/command.h"
#include "pillars/environment/secrets/secrets.h"
#include "pillars/guardrails/sanitize/sanitize.h"
#include "pillars/monitoring/evidence/command.h"
#include "surfaces/cli/commands.h"
#include "surfaces/cli/scan_command.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/practice/command.h"

namespace davy::app {

std::span<const ModuleInfo> modules() {
  static const std::vector<ModuleInfo> list{
      {"mechanisms/net/http1", "What does this HTTP message say, and is it unambiguous?",
       Maturity::usable, Posture::untrusted_input},
      {"mechanisms/net/client_address", "Who is the client behind the proxies?", Maturity::usable,
       Posture::untrusted_input},
      {"mechanisms/dialects", "Which texts does this request or answer hold, and where?",
       Maturity::usable, Posture::untrusted_input},
      {"mechanisms/formats", "What does this YAML or JSON say, and at which place?",
       Maturity::usable, Posture::untrusted_input},
      {"mechanisms/text", "What does this text say under its disguise?", Maturity::usable,
       Posture::untrusted_input},
      {"mechanisms/store", "What was decided and what happened, also after a crash?",
       Maturity::usable, Posture::untrusted_input},
      {"mechanisms/store/upkeep", "How is a home copied, made again, and taken to a newer form?",
       Maturity::usable, Posture::untrusted_input},
      {"pillars/access/keys", "Who calls, and may they use this model?", Maturity::usable,
       Posture::untrusted_input},
      {"pillars/access/credentials", "Which credential does this model's provider want?",
       Maturity::experimental, Posture::trusted_only},
      sanitize::module_info(),
      secrets::module_info(),
      {"pillars/monitoring/evidence", "What happened to this request, and why?", Maturity::usable,
       Posture::trusted_only},
      // Its bytes are read by the codec and the dialect.
      // fuzzer: mechanisms/net/http1/split_fuzz.cc
      {"surfaces/gateway", "Does this exchange go through, and what is recorded of it?",
       Maturity::usable, Posture::untrusted_input},
      {"surfaces/practice", "What does a model without any guard do?", Maturity::usable,
       Posture::trusted_only},
  };
  return list;
}

std::vector<std::unique_ptr<ConfigSection>> config_sections() {
  std::vector<std::unique_ptr<ConfigSection>> list;
  list.push_back(std::make_unique<access::AccessSection>());
  list.push_back(sanitize::config_section());
  list.push_back(gateway::limits_section());
  return list;
}

Result<std::vector<std::unique_ptr<Scanner>>> scanners() {
  std::vector<std::unique_ptr<Scanner>> list;
  DAVY_ASSIGN(auto secrets, secrets::make_scanner());
  list.push_back(std::move(secrets));
  return list;
}

std::span<const dialects::Dialect* const> dialects() {
  static const dialects::Dialect* const list[] = {&dialects::openai(), &dialects::anthropic(),
                                                  &dialects::kserve(), &dialects::mcp(),
                                                  &dialects::predict()};
  return list;
}

std::vector<std::unique_ptr<Command>> commands(
    std::span<const std::unique_ptr<Scanner>> scanner_list) {
  std::vector<std::unique_ptr<Command>> list;
  const auto add_all = [&](std::vector<std::unique_ptr<Command>> more) {
    for (auto& command : more) list.push_back(std::move(command));
  };
  list.push_back(serve_command());
  list.push_back(cli::init_command());
  list.push_back(cli::check_command());
  list.push_back(cli::health_command());
  list.push_back(practice::practice_command());
  add_all(access::key_commands());
  list.push_back(evidence::why_command());
  add_all(store::upkeep_commands());
  list.push_back(cli::explain_command());
  list.push_back(cli::rules_command());
  list.push_back(cli::modules_command());
  add_all(cli::scan_commands(scanner_list));
  return list;
}

}  // namespace davy::app
