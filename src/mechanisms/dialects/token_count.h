// Counts of tokens as upstreams tell them. What no server can mean is told by none: it would
// wrap sums, and turn negative where events are written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace davy::dialects {

// RFC 8259 section 6: up to here every reader of JSON has the same whole number.
inline constexpr std::uint64_t kMaxTokens = std::uint64_t{1} << 53;

[[nodiscard]] constexpr std::optional<std::uint64_t> token_count(
    std::optional<std::uint64_t> told) noexcept {
  return told && *told <= kMaxTokens ? told : std::nullopt;
}

// Of two that are at most kMaxTokens, as their sum is.
[[nodiscard]] constexpr std::uint64_t add_tokens(std::uint64_t a, std::uint64_t b) noexcept {
  return std::min(a + b, kMaxTokens);
}

}  // namespace davy::dialects
