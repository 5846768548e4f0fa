// Strict, incremental parsers for the heads of HTTP/1.1 requests and answers
// (RFC 9110, RFC 9112, and stricter: README.md lists where).
//
// The caller owns a contiguous buffer that begins with the head's first byte and grows
// at its end. It calls `parse` with all of it after each read; the work is linear in
// the bytes however they are split, and so is what comes out. A bad byte is refused as
// soon as it is seen.
//
//   switch (parser.parse(buffer)) {
//     case Progress::need_more: read more; break;
//     case Progress::complete:  use parser.head(); the body starts at head().size(); break;
//     case Progress::refused:   answer info(parser.problem().refusal).status, close; break;
//   }
//   … body …; take head and body out of the buffer; parser.reset();   // the next request
//
// Not thread-safe: one parser belongs to one connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "mechanisms/net/http1/head.h"
#include "mechanisms/net/http1/refusal.h"

namespace davy::http1 {

struct Limits {
  std::size_t head_bytes = 32 * 1024;   // with the empty line; cut to 1 GiB
  std::size_t target_bytes = 8 * 1024;  // RFC 9112 3 asks for at least 8000
  std::size_t fields = 100;             // nginx and Apache: 100
  // The decoder's. Bytes of payload, and over the whole of one body: bytes of chunk
  // extensions (from the `;` on), bytes of the trailer section.
  std::uint64_t body_bytes = std::numeric_limits<std::uint64_t>::max();
  std::size_t extension_bytes = 4 * 1024;
  std::size_t trailer_bytes = 8 * 1024;
};

enum class Progress : std::uint8_t { need_more, complete, refused };

// What both parsers share; use RequestParser and ResponseParser.
class HeadParser {
 public:
  // Only after `refused`.
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }
  // Whether any byte of a head was looked at: an idle connection that ends here is no
  // error, one in the middle of a head is.
  [[nodiscard]] bool started() const noexcept { return at_ > 0; }

 protected:
  enum class Phase : std::uint8_t {
    method,
    target,
    version,
    status,
    reason,
    line,
    name,
    value,
    complete,
    refused
  };

  explicit HeadParser(const Limits& limits) noexcept;

  // Each takes what it can of its part from `at_` on. True: the part is complete, `at_`
  // stands behind it. False: `outcome_` says whether more is needed or it was refused.
  [[nodiscard]] bool take_version(std::string_view buffer, int& minor);
  [[nodiscard]] bool take_line_end(std::string_view buffer, Refusal otherwise);
  [[nodiscard]] bool take_fields(std::string_view buffer, Fields& fields);

  bool refuse(Refusal refusal, std::size_t offset) noexcept;
  // Out of bytes: need_more, or refused where the limit allows no more.
  bool starve() noexcept;
  // Returns what of the buffer a head may use.
  [[nodiscard]] std::string_view begin_parse(std::string_view buffer) noexcept;
  void begin(Phase phase) noexcept {
    phase_ = phase;
    start_ = at_;
  }
  void clear(Fields& fields, Phase phase) noexcept;

  // What the fields say about the connection and the body (framing.cc).
  struct Meaning;
  [[nodiscard]] bool read_fields(Fields& fields, int minor, Meaning& meaning);
  [[nodiscard]] bool read_field(Fields& fields, std::size_t at, int minor, Meaning& meaning);
  [[nodiscard]] bool read_connection(Fields& fields, std::size_t at, Meaning& meaning);
  [[nodiscard]] bool check_host(std::string_view buffer, RequestHead& head, const Meaning& meaning);

  Limits limits_;
  Problem problem_;
  std::size_t at_ = 0;     // every byte before it was accepted
  std::size_t start_ = 0;  // where the part at hand began
  Phase phase_ = Phase::method;
  Progress outcome_ = Progress::need_more;
  bool full_ = false;  // the buffer holds as many bytes as a head may have

 private:
  [[nodiscard]] bool take_line_start(std::string_view buffer);
  [[nodiscard]] bool take_name(std::string_view buffer, Fields& fields);
  [[nodiscard]] bool take_value(std::string_view buffer, Fields& fields);
};

class RequestParser : public HeadParser {
 public:
  explicit RequestParser(const Limits& limits = {}) noexcept : HeadParser(limits) {}

  // Once complete or refused it stays so until `reset`.
  [[nodiscard]] Progress parse(std::string_view buffer);
  // Only after `complete`.
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }
  [[nodiscard]] RequestHead& head() noexcept { return head_; }
  void reset() noexcept;

 private:
  [[nodiscard]] bool take_method(std::string_view buffer);
  [[nodiscard]] bool take_target(std::string_view buffer);
  [[nodiscard]] bool finish(std::string_view buffer);

  RequestHead head_;
};

class ResponseParser : public HeadParser {
 public:
  explicit ResponseParser(const Limits& limits = {}) noexcept : HeadParser(limits) {
    phase_ = Phase::version;
  }

  // As above. After an interim answer (1xx other than 101) take it out of the buffer,
  // `reset` and parse the next head.
  [[nodiscard]] Progress parse(std::string_view buffer);
  [[nodiscard]] const ResponseHead& head() const noexcept { return head_; }
  [[nodiscard]] ResponseHead& head() noexcept { return head_; }
  // `answers_head`: the request was HEAD, so no body follows whatever the fields say.
  void reset(bool answers_head = false) noexcept;

 private:
  [[nodiscard]] bool take_status(std::string_view buffer);
  [[nodiscard]] bool take_reason(std::string_view buffer);
  [[nodiscard]] bool finish();

  ResponseHead head_;
  bool answers_head_ = false;
};

}  // namespace davy::http1
