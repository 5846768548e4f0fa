// The answer's way back: from the upstream through the stages to the client.
#pragma once

#include <string>
#include <string_view>

#include "surfaces/gateway/exchange.h"

namespace davy::gateway {

// Uses the exchange's upstream connection, whose answer head was parsed.
class Relay {
 public:
  explicit Relay(Exchange& exchange);

  // In this order; each but the last gives false when the exchange has ended with a
  // refusal (set in the exchange) or a broken connection.
  // Judges the head.
  [[nodiscard]] bool begin();
  // Answers with a small body that is there already, as most are. Also false, with no
  // refusal: answer() must do it.
  [[nodiscard]] bool answer_at_once();
  [[nodiscard]] net::Task<bool> answer();
  // Gives the upstream's connection back, or ends it.
  void end();

 private:
  friend class StreamRelay;

  [[nodiscard]] net::Task<bool> whole();
  [[nodiscard]] net::Task<bool> stream();
  // A body that is in the input already, whole.
  [[nodiscard]] std::string_view take_body();
  // Collects a body of unknown length or in chunks; a view into the upstream's input
  // where it lies there in one piece.
  [[nodiscard]] net::Task<bool> collect(std::string_view& body);
  // The decoder refused the body, since it is too large or not HTTP; `otherwise` is then
  // what the caller reads.
  void body_refused(std::string_view otherwise);
  // Judges the body and writes the head for it to `out`.
  [[nodiscard]] bool judge(std::string_view& body, std::string& edited, std::string& out);
  [[nodiscard]] bool judge_whole(std::string_view body, std::string& edited);
  [[nodiscard]] bool not_examinable(std::string_view why, std::uint64_t bytes);
  // Whether the answer has a Content-Encoding, so that nobody can read its text.
  [[nodiscard]] bool encoded() const;
  [[nodiscard]] bool write_head(std::string& out, std::optional<std::uint64_t> length);

  Exchange& x_;
  net::Connection& client_;
  net::Connection& upstream_;
  const http1::ResponseHead& head_;
  http1::BodyDecoder decoder_;
  std::string storage_;       // of the answer's head
  std::string body_storage_;  // of a body in several pieces

  bool streams_ = false;  // server-sent events
  bool here_ = false;     // the whole body is in the input
  bool chunked_ = false;  // to the client; else the end of the connection ends the answer
};

}  // namespace davy::gateway
