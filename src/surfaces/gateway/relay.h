// The answer's way back: from the upstream through the stages to the client.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "surfaces/gateway/exchange.h"

namespace davy::gateway {

// Uses the exchange's upstream connection, whose answer head was parsed.
class Relay {
 public:
  explicit Relay(Exchange& exchange);

  // False: the exchange has ended with a refusal (set in the exchange) or a broken
  // connection; true: the answer went out whole.
  [[nodiscard]] net::Task<bool> run();

 private:
  [[nodiscard]] net::Task<bool> whole();
  [[nodiscard]] net::Task<bool> stream();
  // Takes a body that is in the input already, whole; most are, and need no coroutine.
  [[nodiscard]] bool collect_now(std::string_view& body);
  // Collects a body of unknown length or in chunks; a view into the upstream's input
  // where it lies there in one piece.
  [[nodiscard]] net::Task<bool> collect(std::string_view& body);
  [[nodiscard]] bool judge_whole(std::string_view body, std::string& edited);
  [[nodiscard]] bool not_examinable(std::string_view why, std::uint64_t bytes);
  // Whether the answer has a Content-Encoding, so that nobody can read its text.
  [[nodiscard]] bool encoded() const;
  [[nodiscard]] bool write_head(std::string& out, std::optional<std::uint64_t> length);

  // Streams. Appends what may go out to out_.
  void frame(std::string_view data);
  [[nodiscard]] bool take(std::string_view data);
  [[nodiscard]] bool unreadable();
  [[nodiscard]] bool take_event(dialects::StreamEvent& event);
  [[nodiscard]] bool judge_event(dialects::StreamEvent event);
  [[nodiscard]] bool release_events();
  [[nodiscard]] bool finish_stream();
  void account(const dialects::StreamEvent& event);
  [[nodiscard]] net::Task<bool> cut_stream();

  struct Released {
    StreamKey key;
    std::uint64_t to = 0;
  };
  [[nodiscard]] std::uint64_t& released(const StreamKey& key);

  Exchange& x_;
  net::Connection& client_;
  net::Connection& upstream_;
  const http1::ResponseHead& head_;
  http1::BodyDecoder decoder_;
  std::string storage_;       // of the answer's head
  std::string body_storage_;  // of a body in several pieces

  bool judged_ = false;   // some stage wants the text
  bool chunked_ = false;  // to the client; else the end of the connection ends the answer
  std::string out_;
  std::unique_ptr<dialects::StreamReader> reader_;
  dialects::StreamEvent event_;
  std::deque<dialects::StreamEvent> held_;
  std::vector<dialects::StreamEdit> edits_;
  std::vector<Released> released_;
};

}  // namespace davy::gateway
