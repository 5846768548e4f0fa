// The sections of the configuration that belong to nobody's folder: where we listen,
// where state lives, how strict the evidence is. core/settings.cc reads them; models,
// experiments and rules are read beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/experiment.h"
#include "core/model.h"
#include "core/rule_modes.h"

namespace davy {

struct Endpoint {
  std::string host;  // an address, without brackets
  std::uint16_t port = 0;
  Place place;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool loopback() const noexcept;
};
// "127.0.0.1:8080", "[::1]:8080", "localhost:8080" (becomes 127.0.0.1).
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text);

enum class Evidence : std::uint8_t { best_effort, required };
enum class ContentPolicy : std::uint8_t { none, findings, full };

struct Settings {
  std::vector<Endpoint> listen;           // default 127.0.0.1:8080
  Endpoint admin;                         // default 127.0.0.1:8081; loopback only for now
  std::string home = "./davylamp-home";   // as written; relative to the configuration's folder
  std::vector<Model> models;
  std::vector<Experiment> experiments;
  std::vector<ModeSetting> rules;
  std::string rules_edition;              // "" = the newest
  Evidence evidence = Evidence::best_effort;
  ContentPolicy content = ContentPolicy::findings;
};

// A file with its includes merged and every section read.
struct LoadedConfig {
  Settings settings;
  Config config;
  std::string digest_input;  // the bytes of all files in order, for the policy digest
  std::string folder;        // of the main file: relative paths start here
};

}  // namespace davy
