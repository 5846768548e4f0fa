// Vectors of texts: texts that share words have vectors that point the same way.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace davy::practice {

// Words and their groups of three letters, hashed into `dimensions` numbers with a sign
// (feature hashing: Weinberger et al. 2009), of length 1. A text without a word gives the
// first axis. Case does not count.
[[nodiscard]] std::vector<float> embedding(std::string_view text, std::uint32_t dimensions);

}  // namespace davy::practice
