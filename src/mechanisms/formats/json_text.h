// The text of JSON strings: decoding, escaping, and which source bytes a piece of
// decoded text came from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace davy::json {

// Memory for many small texts that live and die together. Views into it stay valid
// until clear(), also when the arena is moved. Not thread-safe.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  // `size` bytes, not initialised.
  [[nodiscard]] char* take(std::size_t size);
  // Gives back the end of the last take(): only its first `used` bytes stay taken.
  void keep(char* taken, std::size_t used) noexcept;
  [[nodiscard]] std::string_view copy(std::string_view text);
  // Ends all views. Keeps up to kKeptBytes for the next round.
  void clear() noexcept;

  static constexpr std::size_t kBlockBytes = 4096;
  static constexpr std::size_t kKeptBytes = 256 * 1024;

 private:
  struct Block {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
    std::size_t used = 0;
  };
  std::vector<Block> blocks_;
  std::size_t current_ = 0;
};

// All functions below take `raw`: the inside of a JSON string that an Index accepted.

// One character of a string as it stands in the source.
struct Character {
  char32_t code_point = 0;    // a lone surrogate comes as itself
  std::size_t raw_size = 0;   // bytes in the source: 1 to 12
  std::size_t text_size = 0;  // bytes as UTF-8; 3 for a lone surrogate (U+FFFD)
};
// `at` < raw.size() and at the begin of a character.
[[nodiscard]] Character character_at(std::string_view raw, std::size_t at) noexcept;

// Appends to `out`; a lone surrogate becomes U+FFFD. Never longer than `raw`.
void append_decoded(std::string& out, std::string_view raw);
[[nodiscard]] std::string_view decode(std::string_view raw, Arena& arena);

// Appends `text` so that it may stand inside quotes: ", \ and what is below U+0020 are
// escaped, nothing else. Ill-formed UTF-8 becomes U+FFFD.
void append_escaped(std::string& out, std::string_view text);
// The same with quotes around it.
void append_quoted(std::string& out, std::string_view text);

// Appends a part of a JSON pointer with "/" before it: ~ becomes ~0, / becomes ~1.
void append_pointer_part(std::string& out, std::string_view key);

// Walks once over `raw` and tells where decoded offsets stand in it.
class SourceCursor {
 public:
  explicit SourceCursor(std::string_view raw) noexcept : raw_(raw) {}

  // Offset in `raw` of the character that holds decoded byte `offset` (its begin), or
  // raw.size() at or after the end. Offsets may not go down from call to call.
  [[nodiscard]] std::size_t begin_of(std::size_t offset) noexcept;
  // Offset in `raw` after the last character that begins before decoded byte `offset`:
  // the same as begin_of where `offset` lies between two characters.
  [[nodiscard]] std::size_t end_of(std::size_t offset) noexcept;

 private:
  // Moves over at most `limit` bytes without an escape; may end inside a character.
  std::size_t skip_plain(std::size_t limit) noexcept;

  std::string_view raw_;
  std::size_t at_ = 0;    // in raw_, at the begin of a character
  std::size_t text_ = 0;  // decoded bytes before at_
};

// Where the decoded bytes `text` stand in `raw`, widened to whole characters: an escape
// or a UTF-8 sequence is never split.
[[nodiscard]] Span source_span(std::string_view raw, Span text) noexcept;

}  // namespace davy::json
