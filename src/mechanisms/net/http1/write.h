// Writes heads and chunks. What cannot be written safely is refused, so that no value,
// wherever it came from, can add a line or a message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mechanisms/net/http1/head.h"

namespace davy::http1 {

// Appends a head to `out`, field by field:
//
//   HeadWriter head = HeadWriter::request(out, "POST", "/v1/chat/completions");
//   head.field("Host", "api.example.com").content_length(n);
//   request.fields().each_end_to_end([&](FieldView f) { head.field(f.name, f.value); });
//   DAVY_TRY(head.finish());
//
// A bad part is remembered; `finish` then takes all back from `out` and returns
// invalid_input, naming the kind of part and never its content. Refused are: a method or
// field name that is no token, an empty target, a target, reason or value with a control character
// (a tab is allowed in a value), a target with a space, `#` or a byte >= 0x80, a status outside 100
// to 999. A writer that goes without `finish` leaves an unfinished head.
class HeadWriter {
 public:
  [[nodiscard]] static HeadWriter request(std::string& out, std::string_view method,
                                          std::string_view target);
  // An empty reason is replaced by the standard one where there is one.
  [[nodiscard]] static HeadWriter response(std::string& out, int status,
                                           std::string_view reason = {});

  HeadWriter& field(std::string_view name, std::string_view value);
  HeadWriter& content_length(std::uint64_t bytes);
  HeadWriter& chunked();  // Transfer-Encoding: chunked

  // Appends the empty line.
  [[nodiscard]] Result<void> finish();

 private:
  explicit HeadWriter(std::string& out) : out_(out), start_(out.size()) {}

  std::string& out_;
  std::size_t start_;
  std::string_view wrong_;  // names the first bad part; empty when all is well
};

// The whole head at once.
[[nodiscard]] Result<void> append_request_head(std::string& out, std::string_view method,
                                               std::string_view target,
                                               std::span<const FieldView> fields);
[[nodiscard]] Result<void> append_response_head(std::string& out, int status,
                                                std::span<const FieldView> fields);

// RFC 9110 section 15, RFC 6585 and their kin; empty for a status that has none.
[[nodiscard]] std::string_view standard_reason(int status) noexcept;

// One chunk; nothing for empty data, since an empty chunk would end the body.
void append_chunk(std::string& out, std::string_view data);
void append_last_chunk(std::string& out);

// The same for a gathering write: size line, data, kChunkEnd. `size` must be > 0.
[[nodiscard]] std::string_view chunk_size_line(std::array<char, 18>& space,
                                               std::uint64_t size) noexcept;
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace davy::http1
