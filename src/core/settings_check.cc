#include <algorithm>

#include "base/strings.h"
#include "core/settings.h"

namespace davy {
namespace {

// Reports each name that stands a second time.
template <class Named>
void check_unique(const std::vector<Named>& all, std::string_view what, Diagnostics& diagnostics) {
  for (auto it = all.begin(); it != all.end(); ++it) {
    if (it->name.empty()) continue;  // reported when it was read
    const auto first =
        std::find_if(all.begin(), it, [&](const Named& other) { return other.name == it->name; });
    if (first != it) {
      diagnostics.error("there are two " + std::string(what) + " named \"" + it->name + "\"",
                        it->place, "the other is at " + first->place.text());
    }
  }
}

void check_models_of(const Experiment& experiment, const std::vector<std::string>& names,
                     Diagnostics& diagnostics) {
  for (const std::string& model : experiment.models) {
    if (std::find(names.begin(), names.end(), model) != names.end()) continue;
    const auto near = nearest(model, names);
    std::string hint = near ? "did you mean \"" + *near + "\"?" : "";
    if (!near) hint = names.empty() ? "there are no models" : "models: " + join(names, ", ");
    diagnostics.error("experiment \"" + experiment.name + "\": there is no model \"" +
                          printable(model, 100) + "\"",
                      experiment.place, std::move(hint));
  }
}

// An upstream that nobody checks may be anybody: not where people rely on the answers.
void check_verified(const Experiment& experiment, const std::vector<Model>& models,
                    Diagnostics& diagnostics) {
  if (experiment.stage != Lifecycle::production) return;
  for (const Model& model : models) {
    const bool unverified = std::any_of(
        model.upstreams.begin(), model.upstreams.end(),
        [](const Upstream& upstream) { return upstream.url.tls && !upstream.tls.verify; });
    if (!unverified || !experiment.may_use(model.name)) continue;
    diagnostics.error("experiment \"" + experiment.name + "\" is in production, but model \"" +
                          model.name + "\" has tls: {verify: false}",
                      experiment.place,
                      "name the authority that signed the upstream's certificate: tls: {ca: FILE}");
  }
}

// One by one, so that each wrong pattern is reported and not the first alone.
bool check_patterns(const std::vector<ModeSetting>& settings, Diagnostics& diagnostics) {
  bool all_fine = true;
  for (const ModeSetting& setting : settings) {
    RuleModes trial = RuleModes::defaults();
    if (const auto applied = trial.apply({setting}); !applied) {
      diagnostics.error(applied.error());
      all_fine = false;
    }
  }
  return all_fine;
}

// Tells a project which of its settings its organisation overrules.
void warn_of_floors(const Settings& settings, Diagnostics& diagnostics) {
  for (const ModeSetting& setting : settings.rules) {
    RuleModes wished = RuleModes::all(Mode::enforce);
    if (!wished.apply({setting})) continue;
    RuleModes held = wished;
    if (!held.apply_floor(settings.floors)) continue;
    const auto rules = catalogue();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const RuleId rule{static_cast<std::uint16_t>(i)};
      if (wished.mode(rule) == held.mode(rule)) continue;
      diagnostics.warning("rules: the organisation's floor makes " + std::string(rules[i].id) +
                              " " + std::string(name(held.mode(rule))) + ", not " +
                              std::string(name(setting.mode)),
                          setting.place, "floors: " + settings.floors.front().place.file);
    }
  }
}

void check_hosts(const std::vector<Model>& models, Diagnostics& diagnostics) {
  std::map<std::string_view, const Model*> owners;
  for (const Model& model : models) {
    for (const std::string& host : model.hosts) {
      const auto [first, fresh] = owners.emplace(host, &model);
      if (fresh) continue;
      diagnostics.error("the host " + host + " stands twice", model.place,
                        "a host leads to one model; the first is " + first->second->name);
    }
  }
}

}  // namespace

void check_settings(const Settings& settings, Diagnostics& diagnostics) {
  check_unique(settings.models, "models", diagnostics);
  check_unique(settings.experiments, "experiments", diagnostics);
  std::vector<std::string> names;
  for (const Model& model : settings.models) names.push_back(model.name);
  for (const Experiment& experiment : settings.experiments) {
    check_models_of(experiment, names, diagnostics);
    check_verified(experiment, settings.models, diagnostics);
  }
  check_hosts(settings.models, diagnostics);
  std::vector<Endpoint> endpoints = settings.listen;
  endpoints.push_back(settings.admin);
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool any_port = endpoints[i].port == 0 && !endpoints[i].unix_socket();
      if (any_port || endpoints[i].text() != endpoints[j].text()) continue;
      const Endpoint& placed = endpoints[i].place.line != 0 ? endpoints[i] : endpoints[j];
      diagnostics.error(endpoints[i].text() + " is to be listened on twice", placed.place,
                        "`listen` and `admin` need different ports or paths");
    }
  }
  if (settings.models.empty()) {
    diagnostics.warning("no model is configured: every request will be refused", {},
                        "add one under `models:`");
  } else if (settings.experiments.empty()) {
    diagnostics.warning("no experiment is configured: there can be no keys", {},
                        "add one under `experiments:`");
  }
  const bool rules_fine = check_patterns(settings.rules, diagnostics);
  const bool floors_fine = check_patterns(settings.floors, diagnostics);
  if (rules_fine && floors_fine) warn_of_floors(settings, diagnostics);
}

Result<RuleModes> rule_modes(const Settings& settings) {
  RuleModes modes = RuleModes::defaults(settings.rules_edition);
  DAVY_TRY(modes.apply(settings.rules));
  DAVY_TRY(modes.apply_floor(settings.floors));
  return modes;
}

}  // namespace davy
