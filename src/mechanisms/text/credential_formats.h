// Credential formats: keys, tokens and passwords that can be recognised by their form.
//
// Each format has a fixed part (its anchor) and an exact form around it. Where a format
// carries check digits they are verified, so that a hit is a real key; where it has none,
// placeholders (EXAMPLE, ${VAR}, repeated or counted-up characters) are left out.
//
// A verdict about an anchor depends on the kLookBehind bytes before it and the kLookAhead
// bytes from it, and on nothing else: so a file may be read in windows that overlap by
// both, and the result is the same as for the whole.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "core/rule.h"
#include "core/scratch.h"
#include "mechanisms/text/literal_database.h"

namespace davy::text {

inline constexpr std::size_t kLookBehind = 512;
inline constexpr std::size_t kLookAhead = 8192;

struct CredentialFormat {
  std::string_view id;  // "github_token"; the rule is environment.secrets.<id>
  RuleId rule;
  bool checked = false;  // has check digits, and they are verified
  std::span<const std::string_view> anchors;
  bool any_case = false;  // of the anchors
  // The span of the secret around an anchor that begins at `at`, or nothing. `text` is
  // already cut to what the verdict may depend on.
  std::optional<Span> (*confirm)(std::string_view text, std::size_t at, std::size_t anchor_size);
};

// In a fixed order.
[[nodiscard]] std::span<const CredentialFormat> credential_formats() noexcept;

struct CredentialMatch {
  const CredentialFormat* format = nullptr;
  Span span;  // the secret alone
  bool operator==(const CredentialMatch&) const = default;
};

// Immutable and thread-safe.
class CredentialFinder {
 public:
  [[nodiscard]] static Result<CredentialFinder> create();

  // All credentials whose anchor begins in `anchors` (default: anywhere), ordered by begin,
  // end and format, without repeats. Linear in the text for all practical purposes: at most
  // kLookBehind + kLookAhead steps an anchor.
  [[nodiscard]] Result<std::vector<CredentialMatch>> find(std::string_view text, Scratch& scratch,
                                                          Span anchors = {
                                                              0,
                                                              static_cast<std::size_t>(-1)}) const;

  // The verdict of one format at one place, as `find` asks for it. Public for the test that
  // compares `find` with asking at every byte.
  [[nodiscard]] static std::optional<Span> confirm_at(const CredentialFormat& format,
                                                      std::string_view anchor,
                                                      std::string_view text, std::size_t at);

 private:
  struct Anchor {
    const CredentialFormat* format;
    std::string_view text;
  };
  CredentialFinder(LiteralDatabase database, std::vector<Anchor> anchors)
      : database_(std::move(database)), anchors_(std::move(anchors)) {}
  LiteralDatabase database_;
  std::vector<Anchor> anchors_;
};

}  // namespace davy::text
