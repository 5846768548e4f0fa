// The order of the stages, in one function that an auditor can read.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "core/config.h"
#include "core/stage.h"
#include "pillars/access/keys/key_ring.h"

namespace davy::app {

// The stages of one snapshot. `keys` must outlive them. An error says which part of the
// configuration cannot be compiled.
[[nodiscard]] Result<std::vector<std::unique_ptr<const Stage>>> build_pipeline(
    const Config& config, const access::KeyRing& keys);

}  // namespace davy::app
