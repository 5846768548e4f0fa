// One exchange: a request and its answer, from the parsed head to the recorded event.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/exchange_run.h"
#include "mechanisms/net/connection.h"
#include "mechanisms/net/http1/body.h"
#include "mechanisms/net/http1/parser.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/exchange_record.h"
#include "surfaces/gateway/refusal.h"
#include "surfaces/gateway/shared.h"

namespace davy::gateway {

// Lives as long as its exchange, on the client's loop. If it is destroyed before `run`
// has ended (the loop stops), the event is recorded all the same.
class Exchange {
 public:
  // `head` refers into client.input(), which begins with that head.
  Exchange(LoopState& state, net::Connection& client, http1::RequestHead& head,
           std::string_view client_ip);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Consumes the request from the client's input. True: the connection may carry another.
  [[nodiscard]] net::Task<bool> run();

 private:
  friend class Relay;
  friend class StreamRelay;
  friend class Tunnel;

  // Each step gives false when the exchange has ended (refusal_ is set, or the client
  // is gone).
  [[nodiscard]] bool route();
  [[nodiscard]] bool judge_head();
  [[nodiscard]] bool admit_body();
  // Of the path and the query: refuses what nobody may send, counts what nobody can read.
  [[nodiscard]] bool admit_target();
  [[nodiscard]] bool admit_query();
  // Takes the body if it is in the input already, whole; most are, and need no coroutine.
  [[nodiscard]] bool take_body();
  [[nodiscard]] net::Task<bool> read_body();
  void body_missing(net::Io io);
  // In the worker pool where `large`, else here.
  [[nodiscard]] bool large() const noexcept;
  [[nodiscard]] net::Task<bool> answer_catalogue();
  [[nodiscard]] bool judge_unread_request();
  void begin_document();
  [[nodiscard]] Result<void> read_document();
  [[nodiscard]] bool judge_small_request();
  [[nodiscard]] net::Task<bool> judge_large_request();
  // False: the stages denied or failed closed, and refusal_ says so.
  [[nodiscard]] bool allows(const Result<Decision>& decision);
  [[nodiscard]] bool accept_decision(const Result<Decision>& decision);
  // What goes upstream: the body with the stages' edits, for an upstream that knows the
  // model by that name (empty: by the caller's).
  [[nodiscard]] bool write_body(std::string_view upstream_model);
  [[nodiscard]] bool find_model();
  [[nodiscard]] net::Task<bool> open_evidence();
  // Chooses an upstream, and sends it a small request over a connection that is there
  // already. False: send_request must do it, or the exchange has ended.
  [[nodiscard]] bool send_at_once();
  // To the upstream that was chosen, or to the next ones when it fails. `fresh`: over a new
  // connection.
  [[nodiscard]] net::Task<bool> send_request(bool fresh);
  [[nodiscard]] bool choose_upstream(SteadyTime now);
  // A connection that took no whole request may hold an answer all the same.
  [[nodiscard]] net::Task<bool> answered_early();
  // No upstream is left: what the last one that answered said, else that none did.
  void refuse_unreached();
  void use(std::unique_ptr<net::Connection> connection, bool reused);
  // Gives the connection back if it is clean, else ends it.
  void leave_upstream(bool clean);
  // Chooses the next upstream after one that failed. False: there is none, refusal_ is set.
  [[nodiscard]] bool go_on(net::UpstreamTarget::Reason reason);
  // The answer's head is there: reports what it tells of the upstream. True: it refused the
  // request, another can be asked, and this one was left.
  [[nodiscard]] bool refused_by_upstream();
  enum class AnswerHead : std::uint8_t { complete, need_more, ended };
  // Of what the upstream has sent so far; ended: the exchange has.
  [[nodiscard]] AnswerHead parse_answer_head();
  void answer_missing(net::Io io);
  // The upstream has agreed to speak another protocol, as the client asked for.
  [[nodiscard]] bool switched() const noexcept;
  [[nodiscard]] std::string upstream_target(const Upstream& upstream) const;
  [[nodiscard]] bool write_upstream_head(std::string& out);
  // While an upstream works: ends the call when the client has gone, so that what waits
  // on the upstream sees it closed and asks client_left_. As in nginx, a client that ends
  // its sending side before its answer has come counts as gone.
  static void watch_client(void* exchange) noexcept;

  void refuse(Refusal refusal) {
    refusal.problem.call_id = call_id_;
    refusal_ = std::move(refusal);
  }
  void refuse(RuleId rule, std::string message, std::string fix = {});
  [[nodiscard]] net::Task<bool> send_refusal();
  // Takes the rest of the request out of the input where it is there already.
  [[nodiscard]] bool skip_body();
  // The request id in the head of an answer of our own.
  void name_request(http1::HeadWriter& head) const;
  void record() noexcept;
  // `time`, or what limits.total_timeout leaves of it.
  [[nodiscard]] std::chrono::nanoseconds within(std::chrono::nanoseconds time) const noexcept;
  [[nodiscard]] bool over_time() const noexcept;
  // The upstream's answer broke off for `error`.
  void broke_off(net::Io io, std::string_view error, std::string_view said);
  [[nodiscard]] const dialects::Dialect& dialect() const noexcept;

  LoopState& state_;
  Shared& shared_;
  net::Connection& client_;
  http1::RequestHead& head_;
  const std::shared_ptr<const Published> published_;
  const Snapshot* const snapshot_;
  const Limits& limits_;
  ExchangeInfo info_;
  ExchangeRun run_;
  ExchangeRecord record_;

  RouteMatch match_;
  dialects::Reading reading_ = dialects::Reading::documents;
  std::string_view hidden_why_;      // why the body is not read, as a sentence
  std::uint64_t hidden_target_ = 0;  // bytes of path and query that nobody can read
  bool upgrade_ = false;             // the client asks for WebSocket
  bool asks_usage_ = false;          // of the stream, in the caller's place
  std::unique_ptr<dialects::RequestDocument> document_;
  std::string_view call_id_;                       // its call_id(), once it was read
  std::string_view body_;                          // what goes upstream; first the request's
  std::optional<std::string_view> original_body_;  // set once body_ may be another
  std::string body_storage_;                       // of a chunked one
  std::string edited_body_;
  std::size_t consumed_ = 0;  // of client_.input(), once the body was read
  bool body_read_ = false;
  bool answer_begun_ = false;
  bool keep_alive_ = false;
  bool recorded_ = false;
  std::optional<Refusal> refusal_;
  UpstreamChoice choice_;
  std::unique_ptr<net::Connection> upstream_;
  net::UpstreamPool::InUse upstream_in_use_;
  bool upstream_reused_ = false;
  Busy busy_;
  std::unique_ptr<http1::ResponseParser> answer_parser_;
  bool client_left_ = false;
  net::TimerWheel::Timer half_closed_{state_.loop.timers(), &Exchange::watch_client, this};
};

}  // namespace davy::gateway
