// What the readers of the configuration share. For src/core/settings*.cc only.
#pragma once

#include <string>
#include <string_view>

#include "core/config.h"
#include "core/model.h"
#include "core/settings.h"

namespace davy {

// Warns where `key` is there: it is checked, and this version does not act upon it.
void not_enforced(ConfigMap& map, std::string_view key);

// Names go into events, headers and file names, so their letters are few: letters, digits,
// ". _ -" and `also_allowed`. "" after a report.
[[nodiscard]] std::string read_name(ConfigMap& map, std::string_view key,
                                    std::string_view also_allowed);

// `listen:`: an address, a map `{address, tls}`, or a list of both.
[[nodiscard]] std::vector<Endpoint> read_listen(ConfigMap& top);

// One entry of `models:`.
[[nodiscard]] Model read_model(ConfigMap& map);

// The upstreams of a model and all that is said of them.
void read_upstreams(ConfigMap& map, Model& model);

}  // namespace davy
