// The sections of the configuration that belong to nobody's folder: where we listen,
// where state lives, how strict the evidence is. core/settings.cc reads them; models,
// experiments and rules are read beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/config.h"
#include "core/experiment.h"
#include "core/model.h"
#include "core/rule_modes.h"

namespace davy {

// The files of a listener's TLS: PEM; paths are relative to the process.
struct ListenTls {
  std::string certificate;  // its own first, then those between it and a root
  std::string key;
  std::string client_ca;  // "" = clients need no certificate; else one that this file signed
  // Of each in the configuration, for messages.
  Place certificate_place{};
  Place key_place{};
  Place client_ca_place{};
};

struct Endpoint {
  std::string host;  // an address, without brackets
  std::uint16_t port = 0;
  Place place;
  std::optional<ListenTls> tls{};
  std::string path{};    // of a Unix socket; then there is no host and no port
  unsigned mode = 0660;  // of its file
  // Each connection begins with a PROXY protocol header.
  bool proxy_protocol = false;
  // As it is written in a configuration.
  [[nodiscard]] std::string text() const;
  // Whether only this machine reaches it.
  [[nodiscard]] bool loopback() const noexcept;
  [[nodiscard]] bool unix_socket() const noexcept { return !path.empty(); }
};
// "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (becomes 127.0.0.1), "unix:/run/davy.sock".
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);

enum class Evidence : std::uint8_t { best_effort, required };
enum class ContentPolicy : std::uint8_t { none, findings, full };

// How long exchanges under way may go on.
struct DrainTimes {
  // When we are told to stop. Kubernetes kills after 30 s, systemd after 90, if not told
  // otherwise; some time is left to write the last events.
  std::chrono::milliseconds stop{25'000};
  // When another davy has taken over, and nothing hurries.
  std::chrono::milliseconds take_over{3'600'000};
};

struct Settings {
  std::vector<Endpoint> listen;          // default 127.0.0.1:8080
  Endpoint admin;                        // default 127.0.0.1:8081; loopback only for now
  std::string home = "./davylamp-home";  // as written; relative to the configuration's folder
  std::vector<Model> models;
  std::vector<Experiment> experiments;
  std::vector<ModeSetting> rules;
  std::vector<ModeSetting> floors;  // the organisation's; from another file
  std::string rules_edition;        // "" = the newest
  Evidence evidence = Evidence::best_effort;
  ContentPolicy content = ContentPolicy::findings;
  // Whose word about the client's address counts, and where they write it.
  AddressSet trusted_proxies;
  ForwardedBy forwarded_by = ForwardedBy::x_forwarded_for;
  bool watch = true;  // files of the configuration that change are read again
  DrainTimes drain;
};

// A file with its includes merged and every section read.
struct LoadedConfig {
  Settings settings;
  Config config;
  std::string digest_input;  // the bytes of all files in order, for the policy digest
  std::string folder;        // of the main file: relative paths start here
};

// One file read: the tree turned into settings and sections. `include` names what is
// still to be read (globs, relative to the file).
struct ConfigContent {
  Settings settings;
  Config config;
  std::vector<std::pair<std::string, Place>> include;
};

// Reads the main file. Every section is asked, also where it is absent, and every key
// that nobody knows is reported. What DESIGN section 6 names and this version does not
// act upon is checked for its type and gives a warning. Paths in credentials become
// relative to the process: they were relative to the file.
[[nodiscard]] ConfigContent read_config(const ConfigNode& root,
                                        std::span<const std::unique_ptr<ConfigSection>> sections,
                                        Diagnostics& diagnostics);

// An included file: `owner:` and `experiments:` of that owner, nothing else. An
// experiment may leave its owner out.
struct TeamFile {
  std::string owner;
  Place owner_place;
  std::vector<Experiment> experiments;
};
[[nodiscard]] TeamFile read_team_file(const ConfigNode& root, Diagnostics& diagnostics);

// The organisation's file: `rules:`, nothing else.
[[nodiscard]] std::vector<ModeSetting> read_floors(const ConfigNode& root,
                                                   Diagnostics& diagnostics);

// What only the whole can tell: names that stand twice, experiments with models that are
// not there, patterns that match no rule.
void check_settings(const Settings& settings, Diagnostics& diagnostics);

// Defaults of the edition, then `rules`, then `floors`.
[[nodiscard]] Result<RuleModes> rule_modes(const Settings& settings);

}  // namespace davy
