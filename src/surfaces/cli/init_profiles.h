// What `davy init` writes: one commented configuration for each kind of work.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace davy::cli {

struct InitProfile {
  std::string_view name;     // "chat"
  std::string_view summary;  // one line
  std::string_view config;   // the whole file
  std::string_view next;     // what to do then, lines without the configuration's path
};

[[nodiscard]] std::span<const InitProfile> init_profiles() noexcept;

}  // namespace davy::cli
