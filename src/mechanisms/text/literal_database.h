// Many literals in one pass, by Vectorscan (measured: faster than memmem from two literals on,
// literals_bench.cc).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/scratch.h"

namespace davy::text {

struct Literal {
  std::string bytes;      // not empty
  bool any_case = false;  // ASCII letters of either case
};

// Immutable and thread-safe; each thread brings its Scratch.
class LiteralDatabase {
 public:
  // Fails with invalid_input for an empty literal or none at all, with unavailable on a
  // processor without SSE4.2.
  [[nodiscard]] static Result<LiteralDatabase> compile(std::span<const Literal> literals);

  LiteralDatabase(LiteralDatabase&&) noexcept;
  LiteralDatabase& operator=(LiteralDatabase&&) noexcept;
  ~LiteralDatabase();

  // Calls `hit(index, end)` for every occurrence, overlapping ones too; `end` is the
  // offset after its last byte. Ends are ascending; at one end, the order of indices is
  // not defined. `hit` gives false to stop. It must not use the same Scratch for another
  // search. Any size.
  [[nodiscard]] Result<void> search(
      std::string_view text, Scratch& scratch,
      const std::function<bool(std::size_t index, std::size_t end)>& hit) const;

 private:
  struct Database;
  explicit LiteralDatabase(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace davy::text
