// The state database as a file of its own, taken while a server writes it.
#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"
#include "base/result.h"

namespace davy::store {

struct StateFacts {
  std::uint64_t last_order = 0;
  bool operator==(const StateFacts&) const = default;
};

// Copies the state in `from` (a path) to `to`, an empty file that is there, as it stood at one
// moment between two orders (SQLite's online backup). Writers do not wait for it.
[[nodiscard]] Result<StateFacts> copy_state(const std::string& from, const std::string& to);

// Whether the file is a whole state of davy's and nothing else: our tables and no trigger, view
// or table of others, which would act when it is opened. It may come from anywhere.
[[nodiscard]] Result<StateFacts> check_state(const std::string& file);

}  // namespace davy::store
