#include "app/snapshot_builder.h"

#include <algorithm>

#include "app/builtins.h"
#include "app/certificate_check.h"
#include "app/config_loader.h"
#include "app/pipeline.h"
#include "base/ids.h"
#include "base/strings.h"
#include "mechanisms/crypto/sha256.h"
#include "mechanisms/net/tls.h"
#include "pillars/access/credentials/credentials.h"

namespace davy::app {
namespace {

// A ring that knows no key, under a pepper that nobody has.
access::Pepper nobodys_pepper() { return {Secret(random_base62(access::kPepperSize)), "(none)"}; }

// The place where `rules:` names that rule, for messages; the longest pattern is the one
// that counts.
Place place_of(const Settings& settings, std::string_view rule) {
  const ModeSetting* found = nullptr;
  for (const ModeSetting& setting : settings.rules) {
    if (!matches_glob(rule, setting.pattern)) continue;
    if (found == nullptr || setting.pattern.size() >= found->pattern.size()) found = &setting;
  }
  return found != nullptr ? found->place : Place{};
}

// Rules that a configuration may not weaken: the gateway's own always act, so saying
// otherwise would be untrue; and without keys nobody may reach us from outside.
void check_what_must_hold(const Settings& settings, const RuleModes& modes,
                          Diagnostics& diagnostics) {
  const bool open = std::any_of(settings.listen.begin(), settings.listen.end(),
                                [](const Endpoint& endpoint) { return !endpoint.loopback(); });
  for (const RuleInfo& rule : catalogue()) {
    if (modes.mode(*find_rule(rule.id)) == Mode::enforce) continue;
    const std::string id(rule.id);
    if (id.starts_with("gateway.")) {
      diagnostics.error(id + " always acts and cannot be set to another mode",
                        place_of(settings, id), "take the line out");
    } else if (open && id.starts_with("access.keys.")) {
      diagnostics.error(id + " must be enforced: a listener can be reached from the network",
                        place_of(settings, id), "take the line out, or listen on 127.0.0.1");
    }
  }
}

// Whether the files of TLS to upstreams can be used; told once for all that name the same.
void check_upstream_tls(const Settings& settings, Diagnostics& diagnostics) {
  std::vector<const UpstreamTls*> seen;
  for (const Model& model : settings.models) {
    for (const Upstream& upstream : model.upstreams) {
      const UpstreamTls& tls = upstream.tls;
      if (!upstream.url.tls || (tls.ca.empty() && tls.certificate.empty())) continue;
      const bool known = std::any_of(seen.begin(), seen.end(),
                                     [&](const UpstreamTls* other) { return *other == tls; });
      if (known) continue;
      seen.push_back(&tls);
      const auto loaded = net::TlsClient::load(tls);
      if (loaded) continue;
      const Error& error = loaded.error();
      diagnostics.error(
          "tls of model " + model.name + ": " + error.place.text() + " " + error.message,
          upstream.place, error.hint);
    }
  }
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(std::string floor_file, const Clock& clock)
    : floor_file_(std::move(floor_file)),
      clock_(clock),
      sections_(config_sections()),
      no_keys_(nobodys_pepper()),
      keys_(&no_keys_) {}

std::unique_ptr<const LoadedConfig> SnapshotBuilder::load(const std::string& config_file,
                                                          Diagnostics& diagnostics) {
  return load_config(config_file, sections_, floor_file_, diagnostics);
}

std::shared_ptr<const Snapshot> SnapshotBuilder::build(const std::string& config_file,
                                                       Diagnostics& diagnostics) {
  auto loaded = load_config(config_file, sections_, floor_file_, diagnostics);
  if (!loaded) return nullptr;
  auto snapshot = std::make_shared<Snapshot>();
  const Settings& settings = loaded->settings;
  snapshot->policy_digest =
      crypto::sha256_hex(loaded->digest_input + std::string(catalogue_digest()));
  auto modes = rule_modes(settings);
  if (modes) {
    snapshot->modes = std::move(modes).value();
  } else {
    diagnostics.error(modes.error());
  }
  check_what_must_hold(settings, snapshot->modes, diagnostics);
  check_certificates(settings, clock_.now().wall, diagnostics);
  auto stages = build_pipeline(loaded->config, *keys_);
  if (!stages) diagnostics.error(stages.error());
  snapshot->credentials = access::Credentials::load(
      settings.models, access::Credentials::process_environment(), diagnostics);
  check_upstream_tls(settings, diagnostics);
  if (!diagnostics.ok()) return nullptr;
  snapshot->stages = std::move(*stages);
  snapshot->settings = std::move(loaded->settings);
  snapshot->config = std::move(loaded->config);
  snapshot->version = ++version_;
  return snapshot;
}

}  // namespace davy::app
