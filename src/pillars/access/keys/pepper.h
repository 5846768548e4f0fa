// The pepper: 32 random bytes that are not in the database, so that a stolen database
// alone lets nobody try keys.
//
// The state remembers a check value (HMAC of a fixed text) and where the pepper lay, so
// that another or a new pepper is noticed when the server starts, not by every caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "core/state_store.h"

namespace davy::access {

inline constexpr char kAccessTable[] = "access";
inline constexpr char kPepperKey[] = "pepper";
inline constexpr std::size_t kPepperSize = 32;     // bytes that we make
inline constexpr std::size_t kMinPepperSize = 16;  // bytes that we accept

struct Pepper {
  Secret bytes;
  std::string path;
};

// Reads the file (mode 0600 or stricter), or makes it with mode 0600 if it is missing
// and `store` knows of no pepper. Refuses a pepper other than the one that the store's
// keys were made with.
[[nodiscard]] Result<Pepper> open_pepper(const std::string& path, const StateStore& store);

// Where the pepper lay when the first key was made, if one was.
[[nodiscard]] Result<std::optional<std::string>> recorded_pepper_path(const StateStore& store);

// What the order that makes a key adds, so that the check above works from then on.
[[nodiscard]] Change pepper_record(const Pepper& pepper);

}  // namespace davy::access
