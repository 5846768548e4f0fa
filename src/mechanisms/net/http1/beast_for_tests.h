// The second opinion: Boost.Beast must accept whatever our codec accepts, and read the
// same out of it. The other way round is not asked: we are stricter on purpose.
//
// Known differences, where ours accepts and Beast does not or reads other things:
//  1. Chunk extensions: we bound them and allow only token characters, `;` and `=`, but
//     do not parse them; Beast refuses what does not fit the grammar, such as `;;`.
//  2. Trailers: we check their form and drop them; Beast treats them as fields of the
//     head and so refuses, say, a Content-Length or a bad Connection among them.
//  3. A status line without reason and without the space before it: we accept it.
//  4. An answer of status 101 ends the use of the connection for HTTP: we say that it is
//     not kept alive.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "mechanisms/net/http1/reader_for_tests.h"

namespace davy::http1::for_tests {

// Ends the process, which is how a fuzzer reports.
inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

using FieldList = std::vector<std::pair<std::string, std::string>>;

// Beast puts fields of one name next to each other, so the order is compared per name.
inline FieldList by_name(FieldList fields) {
  for (auto& [name, value] : fields) name = lower(name);
  std::stable_sort(fields.begin(), fields.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return fields;
}

template <bool kRequest, class Body>
class BeastReader {
 public:
  explicit BeastReader(bool answers_head) {
    parser_.header_limit(std::numeric_limits<std::uint32_t>::max());
    parser_.body_limit(boost::none);
    if constexpr (!kRequest) parser_.skip(answers_head);
  }

  // Reads up to the end of the head, or of the message with `eager`.
  void put(std::string_view& input, bool eager) {
    parser_.eager(eager);
    while (!error_ && !(eager ? parser_.is_done() : parser_.is_header_done())) {
      const std::size_t used = parser_.put(boost::asio::buffer(input.data(), input.size()), error_);
      input.remove_prefix(used);
      if (used == 0 && !error_) break;
    }
  }

  void put_eof() { parser_.put_eof(error_); }

  auto& parser() { return parser_; }
  const boost::beast::error_code& error() const { return error_; }

 private:
  boost::beast::http::parser<kRequest, Body> parser_;
  boost::beast::error_code error_;
};

template <bool kRequest, class Parser>
void compare_head(const Message& ours, Parser& parser) {
  const auto& head = parser.get();
  std::string start;
  if constexpr (kRequest) {
    start.append(head.method_string()).append(1, ' ').append(head.target());
  } else {
    // Beast's getter puts the standard reason in the place of an empty one.
    const bool no_reason = ours.start.size() == 6;
    start.append(std::to_string(head.result_int())).append(1, ' ');
    if (!no_reason) start.append(head.reason());
  }
  start.append(1, ' ').append(std::to_string(head.version() % 10));
  require(start == ours.start, "Beast reads the same first line");

  FieldList fields;
  for (const auto& field : head.base()) fields.emplace_back(field.name_string(), field.value());
  require(by_name(std::move(fields)) == by_name(ours.fields), "Beast reads the same fields");

  require(parser.chunked() == ours.framing.chunked() || ours.framing.no_body(),
          "Beast agrees on chunked");
  const auto length = parser.content_length();
  require(length.has_value() == ours.framing.content_length.has_value() &&
              length.value_or(0) == ours.framing.content_length.value_or(0),
          "Beast reads the same length");
  require(!ours.framing.keep_alive || parser.keep_alive(), "Beast would keep alive too");
  require(!kRequest || !ours.framing.upgrade || parser.upgrade(), "Beast sees the upgrade");
}

// Whether a complete chunked message has trailers: its last line that is not empty then
// has a colon, which the line of the last chunk cannot have.
inline bool has_trailers(std::string_view message) {
  constexpr std::string_view kEnd = "\r\n";
  const std::string_view lines = message.substr(0, message.size() - 2 * kEnd.size());
  return lines.substr(lines.rfind(kEnd) + kEnd.size()).find(':') != std::string_view::npos;
}

inline bool known_in_head(std::string_view bytes, const boost::beast::error_code& error) {
  using boost::beast::http::error::bad_reason;
  using boost::beast::http::error::bad_status;
  return bytes.size() > 12 && bytes[12] == '\r' && (error == bad_status || error == bad_reason);
}

inline bool known_in_body(const Message& ours, std::string_view bytes,
                          const boost::beast::error_code& error) {
  using boost::beast::http::error::bad_chunk_extension;
  if (!error || !ours.framing.chunked()) return false;
  return error == bad_chunk_extension || has_trailers(bytes);
}

// `bytes`: the message as far as it came. `whole`: up to its end.
template <bool kRequest>
void compare_with_beast(const Message& ours, std::string_view bytes, bool whole, bool ended,
                        bool answers_head) {
  namespace http = boost::beast::http;
  BeastReader<kRequest, http::empty_body> head(answers_head);
  std::string_view rest = bytes;
  head.put(rest, false);
  if (!kRequest && known_in_head(bytes, head.error())) return;
  if (head.error()) std::fprintf(stderr, "Beast: %s\n", head.error().message().c_str());
  require(!head.error() && head.parser().is_header_done(), "Beast accepts the head");
  require(bytes.size() - rest.size() == ours.head_size, "Beast ends the head at the same byte");
  compare_head<kRequest>(ours, head.parser());

  if (!whole) return;
  BeastReader<kRequest, http::string_body> message(answers_head);
  rest = bytes;
  message.put(rest, true);
  if (ended && ours.framing.body == BodyKind::until_close && !message.error()) message.put_eof();
  if (known_in_body(ours, bytes, message.error())) return;
  if (message.error()) std::fprintf(stderr, "Beast: %s\n", message.error().message().c_str());
  require(!message.error() && message.parser().is_done(), "Beast accepts the message");
  require(rest.empty(), "Beast ends the message at the same byte");
  require(message.parser().get().body() == ours.payload, "Beast reads the same payload");
}

template <bool kRequest>
void compare_stream_with_beast(std::string_view stream, bool ended, bool answers_head) {
  const Kind kind = kRequest ? Kind::request : answers_head ? Kind::answer_to_head : Kind::answer;
  const Reading reading = read_whole(kind, stream, {}, ended);
  const bool last_unfinished =
      reading.end == End::in_body || (reading.end == End::refused && !reading.messages.empty() &&
                                      reading.messages.back().size == 0);
  std::size_t at = 0;
  for (const Message& message : reading.messages) {
    const bool whole = &message != &reading.messages.back() || !last_unfinished;
    const std::string_view bytes =
        whole ? stream.substr(at, message.size) : stream.substr(at, message.head_size);
    compare_with_beast<kRequest>(message, bytes, whole, ended, answers_head);
    at += bytes.size();
  }
}

}  // namespace davy::http1::for_tests
