// The section `access:` of the configuration.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"

namespace davy::access {

struct AccessConfig final : ConfigValue {
  bool keys_required = true;  // else callers without a key are `anonymous`
  Place keys_place;           // for the message that `optional` needs loopback listeners
  std::string pepper;         // a path as written; "" = HOME/pepper
  std::vector<std::string> usage_plans;

  // The pepper's file. Relative paths start at the configuration's folder.
  [[nodiscard]] std::string pepper_path(const std::string& config_folder,
                                        const std::string& home) const;
};

class AccessSection final : public ConfigSection {
 public:
  [[nodiscard]] std::string_view path() const noexcept override { return "access"; }
  [[nodiscard]] std::unique_ptr<const ConfigValue> read(ConfigMap& map) const override;
};

}  // namespace davy::access
