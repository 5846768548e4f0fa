// Why bytes were refused. A refusal ends the connection: what follows it cannot be
// told apart from an attack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace davy::http1 {

enum class Refusal : std::uint8_t {
  none,
  // The first line.
  leading_line_break,
  method_invalid,
  method_unsupported,
  target_invalid,
  target_form,
  target_authority,
  target_too_long,
  version_invalid,
  version_unsupported,
  first_line_incomplete,
  status_line_invalid,
  // Lines and fields.
  bare_lf,
  bare_cr,
  folded_line,
  space_before_colon,
  field_name_empty,
  field_name_invalid,
  colon_missing,
  field_value_invalid,
  head_too_large,
  too_many_fields,
  // What the fields say.
  host_missing,
  host_duplicate,
  host_invalid,
  host_differs,
  content_length_invalid,
  content_length_duplicate,
  transfer_encoding_unsupported,
  transfer_encoding_old_version,
  length_and_encoding,
  connection_invalid,
  expectation_unknown,
  // The body.
  chunk_size_invalid,
  chunk_size_overflow,
  chunk_extension_invalid,
  chunk_extension_too_long,
  chunk_end_missing,
  trailer_too_large,
  body_too_large,
  body_truncated,
  last_ = body_truncated,
};

struct RefusalInfo {
  // What a server answers. When the refused bytes are an upstream's answer, the
  // gateway answers 502 whatever stands here.
  int status = 400;
  // Stable; the enumerator's name.
  std::string_view name;
  // One sentence or two: what is wrong and what to do. Never holds input.
  std::string_view message;
};

[[nodiscard]] const RefusalInfo& info(Refusal refusal) noexcept;

// The refusal of that name, for test data.
[[nodiscard]] std::optional<Refusal> refusal_named(std::string_view name) noexcept;

// A refusal and the byte that caused it, counted from the first byte of the head (for
// a parser) or of the body (for a decoder). Where something is missing, the byte after
// which it should have come. The same under every split of the input.
struct Problem {
  Refusal refusal = Refusal::none;
  std::size_t offset = 0;

  bool operator==(const Problem&) const = default;
};

}  // namespace davy::http1
