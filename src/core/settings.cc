#include "core/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "base/files.h"
#include "base/strings.h"
#include "core/settings_read.h"

namespace davy {
namespace {

constexpr double kMaxDollars = 1e9;
constexpr std::uint64_t kMaxTokens = 1'000'000'000'000;
constexpr std::uint64_t kMaxConcurrency = 1'000'000;
constexpr std::size_t kMaxName = 128;

void read_admin(ConfigMap& top, Settings& settings) {
  settings.admin = Endpoint{"127.0.0.1", 8081, {}};
  const auto text = top.text("admin");
  if (!text) return;
  auto endpoint = parse_endpoint(*text);
  if (!endpoint) {
    top.diagnostics().error("admin: " + endpoint.error().message, top.place("admin"),
                            endpoint.error().hint);
    return;
  }
  if (!endpoint->loopback()) {
    top.diagnostics().error("admin: only a loopback address is allowed", top.place("admin"),
                            "there is no login in this version; use 127.0.0.1:PORT");
    return;
  }
  endpoint->place = top.place("admin");
  if (endpoint->unix_socket()) {
    endpoint->path = resolve(parent_folder(endpoint->place.file), endpoint->path);
  }
  settings.admin = *std::move(endpoint);
}

void read_drain(ConfigMap& top, Settings& settings) {
  constexpr std::chrono::hours kMost{24};
  const auto read = [&](std::string_view key, std::chrono::milliseconds& out) {
    out = top.duration(key, std::chrono::milliseconds(0), kMost).value_or(out);
  };
  read("drain_timeout", settings.drain.stop);
  read("take_over_drain_timeout", settings.drain.take_over);
}

void read_budget(ConfigMap& map, Experiment& experiment) {
  ConfigMap budget = map.map("budget");
  experiment.budget.usd_per_day = budget.number("usd_per_day", 0, kMaxDollars);
  experiment.budget.usd_per_month = budget.number("usd_per_month", 0, kMaxDollars);
  experiment.budget.tokens_per_minute = budget.integer("tokens_per_minute", 0, kMaxTokens);
  if (const auto most = budget.integer("concurrency", 1, kMaxConcurrency)) {
    experiment.budget.concurrency = static_cast<std::uint32_t>(*most);
  }
  budget.finish();
  not_enforced(map, "budget");
}

std::optional<std::chrono::sys_days> parse_day(std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = to_number(text.substr(0, 4));
  const auto month = to_number(text.substr(5, 2));
  const auto day = to_number(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::vector<std::string> plain_texts(ConfigMap& map, std::string_view key) {
  std::vector<std::string> out;
  for (auto& [text, place] : map.texts(key)) out.push_back(std::move(text));
  return out;
}

// `owner` is that of a team's file, or empty.
Experiment read_experiment(ConfigMap& map, const std::string& owner) {
  Experiment experiment;
  experiment.place = map.place();
  experiment.name = read_name(map, "name", "");
  experiment.owner = owner.empty() || map.has("owner") ? read_name(map, "owner", ":/@") : owner;
  if (!owner.empty() && !experiment.owner.empty() && experiment.owner != owner) {
    map.diagnostics().error(map.path() + ".owner: this file belongs to " + owner,
                            map.place("owner"),
                            "move the experiment to its owner's file, or leave `owner` out");
  }
  experiment.purpose = map.text("purpose").value_or("");
  experiment.risk_tier = map.text("risk_tier").value_or("");
  experiment.models = plain_texts(map, "models");
  if (experiment.models.empty()) {
    map.diagnostics().error(map.path() + ": \"models\" names none", map.place("models"),
                            "list the models that it may use");
  }
  experiment.datasets = plain_texts(map, "datasets");
  not_enforced(map, "datasets");
  if (const auto stage = map.choice("stage", {"sandbox", "staging", "production"})) {
    experiment.stage = static_cast<Lifecycle>(*stage);
  }
  read_budget(map, experiment);
  experiment.usage_plan = map.text("usage_plan").value_or("");
  not_enforced(map, "usage_plan");
  if (const auto expires = map.text("expires")) {
    experiment.expires = parse_day(*expires);
    if (!experiment.expires) {
      map.diagnostics().error(map.path() + ".expires: not a day of the calendar",
                              map.place("expires"), "write YYYY-MM-DD, e.g. 2027-03-31");
    }
  }
  if (const auto detail = map.choice("denial_detail", {"full", "minimal"})) {
    experiment.denial_detail = *detail == 0 ? DenialDetail::full : DenialDetail::minimal;
  }
  map.finish();
  return experiment;
}

std::vector<Experiment> read_experiments(ConfigMap& top, const std::string& owner) {
  std::vector<Experiment> out;
  for (ConfigMap& map : top.maps("experiments")) out.push_back(read_experiment(map, owner));
  return out;
}

std::vector<ModeSetting> read_rules(ConfigMap& top) {
  static const std::vector<std::string> kModes{"off", "observe", "enforce"};
  std::vector<ModeSetting> out;
  ConfigMap rules = top.map("rules");
  for (ConfigMap::Entry& entry : rules.entries()) {
    const auto mode = mode_from(entry.value);
    if (!mode) {
      const auto near = nearest(entry.value, kModes);
      top.diagnostics().error(
          "rules: expected one of off, observe, enforce for " + printable(entry.key, 100),
          entry.value_place, near ? "did you mean " + *near + "?" : "");
      continue;
    }
    out.push_back({std::move(entry.key), *mode, std::move(entry.key_place)});
  }
  return out;
}

void read_edition(ConfigMap& top, Settings& settings) {
  const auto text = top.text("rules_edition");
  if (!text) return;
  const auto parts = split(*text, '.');
  if (parts.size() != 2 || parts[0].size() != 4 || parts[1].size() != 2 || !to_number(parts[0]) ||
      !to_number(parts[1])) {
    top.diagnostics().error("rules_edition: not an edition", top.place("rules_edition"),
                            "write YYYY.MM, e.g. \"2026.11\"");
    return;
  }
  settings.rules_edition = *text;
}

void read_monitoring(ConfigMap& map, Settings& settings) {
  if (const auto evidence = map.choice("evidence", {"best_effort", "required"})) {
    settings.evidence = static_cast<Evidence>(*evidence);
  }
  if (const auto content = map.choice("content", {"none", "findings", "full"})) {
    settings.content = static_cast<ContentPolicy>(*content);
  }
}

// Keys of `access:` that concern every connection, whatever the keys say.
void read_access(ConfigMap& map, Settings& settings) {
  for (const auto& [text, place] : map.texts("trusted_proxies")) {
    if (const auto added = settings.trusted_proxies.add(text); !added) {
      map.diagnostics().error("access.trusted_proxies: " + added.error().message, place,
                              added.error().hint);
    }
  }
  if (settings.trusted_proxies.has_everyone()) {
    map.diagnostics().warning(
        "access.trusted_proxies: everybody may say under which address they come",
        map.place("trusted_proxies"), "name the addresses of your proxies");
  }
  if (const auto choice = map.choice("client_address", {"x-forwarded-for", "forwarded"})) {
    settings.forwarded_by = static_cast<ForwardedBy>(*choice);
  }
  for (const Endpoint& endpoint : settings.listen) {
    if (!endpoint.proxy_protocol || !settings.trusted_proxies.empty()) continue;
    map.diagnostics().error("listen: proxy_protocol needs access.trusted_proxies", endpoint.place,
                            "name the load balancers that send the header");
  }
}

// Maps by their dotted path, each made once, so that several readers share what is known.
class SharedMaps {
 public:
  explicit SharedMaps(ConfigMap& top) : top_(&top) {}

  ConfigMap& at(std::string_view path) {
    if (const auto found = maps_.find(path); found != maps_.end()) return found->second;
    const std::size_t dot = path.rfind('.');
    ConfigMap made = dot == std::string_view::npos
                         ? top_->map(path)
                         : at(path.substr(0, dot)).map(path.substr(dot + 1));
    return maps_.emplace(std::string(path), std::move(made)).first->second;
  }

  void finish() {
    for (auto& [path, map] : maps_) map.finish();
  }

 private:
  ConfigMap* top_;
  std::map<std::string, ConfigMap, std::less<>> maps_;
};

// What DESIGN section 6 names for later versions and no folder reads yet.
void read_ahead(SharedMaps& maps) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kLater{
      {{"guardrails", "rails"},
       {"guardrails", "waf"},
       {"guardrails", "egress_hosts"},
       {"monitoring", "monitors"},
       {"monitoring", "integrity"}}};
  for (const auto& [section, key] : kLater) {
    ConfigMap& map = maps.at(section);
    (void)map.texts(key);
    not_enforced(map, key);
  }
}

// Whether keys are asked for is the access folder's business, where we listen is ours:
// here both are known.
void check_open_door(const ConfigNode& root, const Settings& settings, Diagnostics& diagnostics) {
  const ConfigNode* access = root.find("access");
  const ConfigNode* keys = access == nullptr ? nullptr : access->find("keys");
  if (keys == nullptr || keys->scalar != "optional") return;
  for (const Endpoint& endpoint : settings.listen) {
    if (endpoint.loopback()) continue;
    diagnostics.error("access.keys: optional is allowed only where we listen on loopback",
                      keys->place, "write `required`, or listen on 127.0.0.1");
    return;
  }
}

}  // namespace

void not_enforced(ConfigMap& map, std::string_view key) {
  if (!map.has(key)) return;
  const std::string path =
      map.path().empty() ? std::string(key) : map.path() + "." + std::string(key);
  map.diagnostics().warning(path + " is read but not enforced by this version", map.key_place(key));
}

std::string read_name(ConfigMap& map, std::string_view key, std::string_view also_allowed) {
  std::string text = map.required_text(key);
  const auto fine = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || also_allowed.find(c) != std::string_view::npos;
  };
  if (text.size() > kMaxName || !std::all_of(text.begin(), text.end(), fine)) {
    map.diagnostics().error(map.path() + "." + std::string(key) + ": not a usable name",
                            map.place(key),
                            "up to 128 letters, digits and . _ - " + std::string(also_allowed));
    return {};
  }
  return text;
}

ConfigContent read_config(const ConfigNode& root,
                          std::span<const std::unique_ptr<ConfigSection>> sections,
                          Diagnostics& diagnostics) {
  ConfigContent content;
  Settings& settings = content.settings;
  ConfigMap top(&root, "", diagnostics);
  settings.listen = read_listen(top);
  read_admin(top, settings);
  if (const auto home = top.text("home")) {
    if (home->empty()) diagnostics.error("home: the path is empty", top.place("home"));
    settings.home = *home;
  }
  settings.watch = top.boolean("watch").value_or(true);
  read_drain(top, settings);
  for (ConfigMap& map : top.maps("models")) settings.models.push_back(read_model(map));
  settings.experiments = read_experiments(top, "");
  settings.rules = read_rules(top);
  read_edition(top, settings);
  content.include = top.texts("include");

  SharedMaps maps(top);
  read_monitoring(maps.at("monitoring"), settings);
  read_access(maps.at("access"), settings);
  for (const auto& section : sections) {
    content.config.put(section->path(), section->read(maps.at(section->path())));
  }
  read_ahead(maps);
  check_open_door(root, settings, diagnostics);
  maps.finish();
  top.finish();
  return content;
}

TeamFile read_team_file(const ConfigNode& root, Diagnostics& diagnostics) {
  TeamFile file;
  ConfigMap top(&root, "", diagnostics);
  file.owner = read_name(top, "owner", ":/@");
  file.owner_place = top.place("owner");
  file.experiments = read_experiments(top, file.owner);
  top.finish();
  return file;
}

std::vector<ModeSetting> read_floors(const ConfigNode& root, Diagnostics& diagnostics) {
  ConfigMap top(&root, "", diagnostics);
  auto floors = read_rules(top);
  top.finish();
  return floors;
}

}  // namespace davy
