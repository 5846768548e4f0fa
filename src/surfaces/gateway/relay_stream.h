// A streamed answer's way back: relayed as it comes, or event by event where a stage reads
// it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surfaces/gateway/relay.h"

namespace davy::gateway {

// Uses the relay's connections and the head that it has read.
class StreamRelay {
 public:
  // `judged`: some stage wants the text, and it can be read.
  StreamRelay(Relay& relay, bool judged)
      : r_(relay),
        x_(relay.x_),
        client_(relay.client_),
        upstream_(relay.upstream_),
        judged_(judged),
        by_event_(judged || relay.x_.asks_usage_) {}

  // As Relay::answer.
  [[nodiscard]] net::Task<bool> run();

 private:
  // These append what may go out to out_; false: refusal_ of the exchange is set.
  void frame(std::string_view data);
  [[nodiscard]] bool take(std::string_view data);
  [[nodiscard]] bool unreadable();
  // After an error of the reader: false where a stage needs it.
  [[nodiscard]] bool go_without_reader();
  [[nodiscard]] bool take_event(dialects::StreamEvent& event);
  [[nodiscard]] bool judge_event(dialects::StreamEvent event);
  [[nodiscard]] bool release_events();
  [[nodiscard]] bool finish();
  void account(const dialects::StreamEvent& event);
  [[nodiscard]] net::Task<bool> cut();

  struct Released {
    StreamKey key;
    std::uint64_t to = 0;
  };
  [[nodiscard]] std::uint64_t& released(const StreamKey& key);

  Relay& r_;
  Exchange& x_;
  net::Connection& client_;
  net::Connection& upstream_;
  const bool judged_;
  const bool by_event_;  // also where only the event with the usage must be taken out
  std::string out_;
  bool within_line_ = false;  // of what went out
  std::unique_ptr<dialects::StreamReader> reader_;
  dialects::StreamEvent event_;
  std::deque<dialects::StreamEvent> held_;
  std::vector<dialects::StreamEdit> edits_;
  std::vector<Released> released_;
};

}  // namespace davy::gateway
