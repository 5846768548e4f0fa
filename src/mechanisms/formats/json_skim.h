// Reads a few scalars out of a JSON text without an index of all of it.
//
//   Skim skim(text);
//   if (skim.enter_object()) …
//   for (std::string_view key; skim.next_member(key);) {
//     if (key == "n") n = skim.scalar(); else skim.skip();
//   }
//   if (!skim.done()) …  // read it with an Index: it says what is wrong, and where
//
// For texts that nobody judges: what is skipped is not checked, only found. Where the
// text is JSON as an Index reads it, the scalars are those of the Index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace davy::json {

class Skim {
 public:
  // At the value, which must outlive the skim.
  explicit Skim(std::string_view text) noexcept : text_(text) {
    skip_white();
    good_ = at_ < text_.size();
  }

  // What stands next: '{', '[', '"', the first byte of another scalar, or 0.
  [[nodiscard]] char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

  // Enters the object (array) that stands next. False: another value stands there.
  [[nodiscard]] bool enter_object() noexcept { return enter('{'); }
  [[nodiscard]] bool enter_array() noexcept { return enter('['); }
  // Goes to the next member's value (the next element). The key is inside its quotes and
  // not decoded: one that has an escape ends the skim. False at the end of the object,
  // which it leaves, and once something was not understood.
  [[nodiscard]] bool next_member(std::string_view& key) noexcept;
  [[nodiscard]] bool next_element() noexcept;

  // The scalar that stands next, and goes past it; a string inside its quotes and not decoded.
  // Nothing, and no step, for an object or array.
  [[nodiscard]] std::optional<std::string_view> scalar() noexcept;
  // The same for a number that is written as a whole one and fits; else nothing, and past it.
  [[nodiscard]] std::optional<std::uint64_t> whole_number() noexcept;
  // Goes past whatever stands next.
  void skip() noexcept;

  // Ends the skim: what the caller saw cannot be right.
  void fail() noexcept { good_ = false; }
  // Whether the text was gone through to its end and everything was understood.
  [[nodiscard]] bool done() const noexcept;

 private:
  void skip_white() noexcept;
  [[nodiscard]] bool enter(char opener) noexcept;
  [[nodiscard]] bool next(char closer) noexcept;
  [[nodiscard]] std::string_view string(bool& escapes) noexcept;
  void skip_container() noexcept;

  std::string_view text_;
  std::size_t at_ = 0;
  bool good_ = true;
  bool first_ = false;  // the first member or element is due
};

}  // namespace davy::json
