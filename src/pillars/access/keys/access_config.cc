#include "pillars/access/keys/access_config.h"

#include <memory>
#include <utility>

#include "base/files.h"
#include "mechanisms/store/home.h"

namespace davy::access {
namespace {

constexpr std::string_view kFile = "file:";

std::vector<std::string> texts(ConfigMap& map, std::string_view key) {
  std::vector<std::string> out;
  for (auto& [text, place] : map.texts(key)) out.push_back(std::move(text));
  return out;
}

// A control that somebody relies on must not be read and then forgotten.
void warn_not_enforced(ConfigMap& map, std::string_view key) {
  map.diagnostics().warning(
      map.path() + "." + std::string(key) + " is read but not enforced by this version",
      map.place(key));
}

}  // namespace

std::string AccessConfig::pepper_path(const std::string& config_folder,
                                      const std::string& home) const {
  return pepper.empty() ? resolve(home, store::kPepperFile) : resolve(config_folder, pepper);
}

std::unique_ptr<const ConfigValue> AccessSection::read(ConfigMap& map) const {
  auto config = std::make_unique<AccessConfig>();
  config->keys_place = map.place("keys");
  if (const auto choice = map.choice("keys", {"required", "optional"})) {
    config->keys_required = *choice == 0;
  }
  if (auto pepper = map.text("pepper")) {
    if (pepper->starts_with(kFile) && pepper->size() > kFile.size()) {
      config->pepper = pepper->substr(kFile.size());
    } else {
      // Without the value: it may be the pepper itself.
      map.diagnostics().error(map.path() + ".pepper: names no file", map.place("pepper"),
                              "write file:PATH; the pepper itself does not belong here");
    }
  }
  config->usage_plans = texts(map, "usage_plans");
  if (!config->usage_plans.empty()) warn_not_enforced(map, "usage_plans");
  return config;
}

}  // namespace davy::access
