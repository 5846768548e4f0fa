#include "surfaces/gateway/exchange.h"

#include <algorithm>
#include <exception>

#include "base/ids.h"
#include "base/log.h"
#include "generated/rules.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/exchange_metrics.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/gateway/relay.h"
#include "surfaces/gateway/tunnel.h"

namespace davy::gateway {
LoopState::LoopState(net::Loop& l, Shared& s)
    : loop(l),
      shared(s),
      snapshot(s.snapshots),
      upstreams(l, s.names),
      upstream_sweep(
          l.timers(),
          [](void* state) noexcept { static_cast<LoopState*>(state)->sweep_upstreams(); }, this),
      requests(s.routes.document_kinds()),
      answers(s.routes.document_kinds()),
      series(std::make_unique<SeriesCache>(s.metrics)) {
  random_bytes(std::as_writable_bytes(std::span(&chance_, 1)));
  chance_ |= 1;
}

LoopState::~LoopState() = default;

void LoopState::sweep_upstreams() noexcept {
  upstreams.sweep(loop.steady());
  upstream_sweep.set(kSweepTime);
}

ConnectionLimits LoopState::connection_limits() {
  const Limits& now = limits();
  ConnectionLimits out;
  out.all = now.connections != 0 ? std::min(now.connections, shared.connections.most)
                                 : shared.connections.usual;
  if (now.connections_per_client != 0) out.of_client = now.connections_per_client;
  return out;
}

Exchange::Exchange(LoopState& state, net::Connection& client, http1::RequestHead& head,
                   std::string_view client_ip)
    : state_(state),
      shared_(state.shared),
      client_(client),
      head_(head),
      published_(state.snapshot.get()),
      snapshot_(published_->snapshot.get()),
      limits_(*published_->limits),
      info_([&] {
        ExchangeInfo info;
        info.started = state.loop.now();
        info.request_id = new_request_id(info.started.wall);
        info.client_ip = client_ip;
        info.snapshot = snapshot_;
        return info;
      }()),
      run_(info_, &shared_.control) {
  record_.method = head.method();
  record_.path = head.path();
  record_.user_agent = head.fields().find("user-agent").value_or("");
  shared_.active.fetch_add(1, std::memory_order_relaxed);
  state_.series->active(1);
}

Exchange::~Exchange() {
  client_.watch(nullptr, nullptr);
  if (document_) {
    state_.requests[shared_.routes.kind_of(match_)].push_back(std::move(document_));
  }
  if (!recorded_ && record_.error.empty())
    record_.error = "the gateway stopped before the exchange ended";
  if (answer_parser_) state_.parsers.push_back(std::move(answer_parser_));
  record();
  state_.series->active(-1);
  shared_.active.fetch_sub(1, std::memory_order_release);
}

bool Exchange::over_time() const noexcept {
  return limits_.total_timeout.count() != 0 &&
         state_.loop.now().steady - info_.started.steady >= limits_.total_timeout;
}

std::chrono::nanoseconds Exchange::within(std::chrono::nanoseconds time) const noexcept {
  if (limits_.total_timeout.count() == 0) return time;
  const auto left = info_.started.steady + limits_.total_timeout - state_.loop.now().steady;
  return std::clamp<std::chrono::nanoseconds>(left, std::chrono::milliseconds(1), time);
}

void Exchange::broke_off(net::Io io, std::string_view error, std::string_view said) {
  record_.end = Outcome::End::upstream_gone;
  if (over_time()) {
    record_.error = "the exchange took longer than limits.total_timeout";
    refuse(out_of_time(info_, limits_.total_timeout));
    return;
  }
  record_.error = error;
  refuse(upstream_failed(info_, io == net::Io::timed_out, said));
}

const dialects::Dialect& Exchange::dialect() const noexcept {
  return match_.dialect != nullptr ? *match_.dialect : shared_.routes.fallback(head_.path());
}

void Exchange::refuse(RuleId rule, std::string message, std::string fix) {
  refuse(denied(info_, about_request(rule, std::move(message), std::move(fix)), kGateway));
}

net::Task<bool> Exchange::run() {
  bool answered = false;
  if (route() && judge_head() && admit_body()) {
    answered = take_body();
    if (!answered) answered = co_await read_body();
    const bool listing = answered && reading_ == dialects::Reading::catalogue;
    if (listing) answered = co_await answer_catalogue();
    const bool asks = answered && !listing;
    if (asks && reading_ != dialects::Reading::documents) {
      answered = judge_unread_request();
    } else if (asks) {
      begin_document();
      if (large()) {
        answered = co_await judge_large_request();
      } else {
        answered = judge_small_request();
      }
    }
    if (asks && answered && snapshot_->settings.evidence == Evidence::required) {
      answered = co_await open_evidence();
    }
    if (asks && answered) {
      answered = send_at_once();
      if (!answered && !refusal_) answered = co_await send_request(false);
    }
    for (bool complete = !asks; answered && !complete;) {
      const AnswerHead head = parse_answer_head();
      complete = head == AnswerHead::complete;
      answered = head != AnswerHead::ended;
      if (complete && refused_by_upstream()) {
        answered = go_on(net::UpstreamTarget::Reason::status);
        if (answered) answered = co_await send_request(false);
        complete = false;
        continue;
      }
      if (complete || !answered) break;
      const net::Io io = co_await upstream_->read_more();
      if (upstream_reused_ && !client_left_ && io != net::Io::timed_out &&
          (upstream_->output_failed() || upstream_->nothing_sent())) {
        // The other side has ended the connection from the pool, or said something, before
        // it had the whole request: that is no answer to it, and it was not acted upon.
        choice_.target().count_retry();
        answered = co_await send_request(true);
        continue;
      }
      if (io == net::Io::ok) continue;
      answer_missing(io);
      answered = false;
    }
    if (asks && answered && switched()) {
      Tunnel tunnel(*this);
      answered = co_await tunnel.run();
    } else if (asks && answered) {
      Relay relay(*this);
      answered = relay.begin() && relay.answer_at_once();
      if (!answered && !refusal_) answered = co_await relay.answer();
      relay.end();
    }
  }
  if (answered) {
    record_.end = Outcome::End::answered;
  } else if (refusal_ && !answer_begun_) {
    answered = co_await send_refusal();
  }
  client_.consume(consumed_);
  record();
  co_return answered&& keep_alive_;
}

bool Exchange::route() {
  match_ = shared_.routes.find(head_, *snapshot_);
  record_.dialect = dialect().name();
  if (match_.route != nullptr) {
    record_.route = match_.route->path;
    reading_ = match_.route->reading;
    return true;
  }
  if (match_.dialect == nullptr) {
    refuse(rules::kGatewayRouteUnknown, "No model API is served at the request's path.");
    return false;
  }
  refuse(rules::kGatewayRouteUnknown, "This path does not serve the request's method.");
  refusal_->problem.status = 405;
  refusal_->allow = shared_.routes.allowed(match_, head_.path());
  return false;
}

bool Exchange::judge_head() {
  state_.fields.clear();
  for (const http1::FieldView field : head_.fields()) {
    state_.fields.push_back({field.name, field.value});
  }
  const RequestHead head{head_.method(), head_.path(), head_.query(), state_.fields};
  return allows(run_.on_head(head, state_.loop.scratch()));
}

bool Exchange::allows(const Result<Decision>& decision) {
  if (!decision) {
    refuse(failed_closed(info_, run_.stage_of_denial()));
    return false;
  }
  if (!decision->allowed()) {
    refuse(denied(info_, decision->reason(), run_.stage_of_denial()));
    return false;
  }
  return true;
}

net::Task<bool> Exchange::answer_catalogue() {
  std::vector<std::string_view> names;
  for (const Model& model : snapshot_->settings.models) {
    if (model.dialect != dialect().name()) continue;
    if (!match_.model.empty() && match_.model != model.name) continue;
    if (info_.experiment == nullptr || info_.experiment->may_use(model.name)) {
      names.push_back(model.name);
    }
  }
  const bool only = !match_.model.empty();
  if (only && names.empty()) {
    refuse(rules::kGatewayModelUnknown, "No model of that name is there for this key.");
    co_return false;
  }
  const std::string body = dialect().catalogue(names, only);
  std::string out;
  auto head = http1::HeadWriter::response(out, 200);
  head.field("Content-Type", "application/json");
  name_request(head);
  if (!keep_alive_) head.field("Connection", "close");
  head.content_length(body.size());
  if (!head.finish()) co_return false;
  out += body;
  answer_begun_ = true;
  record_.status = 200;
  record_.bytes_out = body.size();
  client_.deadline_in(limits_.write_timeout);
  const net::Io io = co_await client_.write(out);
  client_.no_deadline();
  if (io != net::Io::ok) record_.end = Outcome::End::client_gone;
  co_return io == net::Io::ok;
}

void Exchange::name_request(http1::HeadWriter& head) const {
  head.field("davy-request-id", info_.request_id);
  const std::string_view field = dialect().request_id_field();
  if (!field.empty()) head.field(field, info_.request_id);
}

bool Exchange::skip_body() {
  if (body_read_) return true;
  http1::BodyDecoder decoder(head_.framing(), http1::Limits{});
  std::size_t at = head_.size();
  for (;;) {
    const http1::BodyStep step = decoder.decode(client_.input().substr(at));
    at += step.consumed;
    if (step.state == http1::BodyState::data) continue;
    if (step.state != http1::BodyState::done) return false;
    consumed_ = at;
    // With Expect the client may send its body or not: nobody can tell what follows.
    keep_alive_ = head_.framing().keep_alive && !head_.framing().expect_continue;
    return true;
  }
}

net::Task<bool> Exchange::send_refusal() {
  const Refusal& refusal = *refusal_;
  const dialects::Problem& problem = refusal.problem;
  record_.status = problem.status;
  if (refusal.denied) {
    record_.decision = Decision::Kind::deny;
    record_.denied_by = problem.rule;
    record_.stage_of_denial = refusal.stage;
    record_.end = Outcome::End::denied;
  }
  const bool clean = skip_body();
  if (!clean || shared_.draining.load(std::memory_order_relaxed)) keep_alive_ = false;

  std::string out;
  const std::string body = dialect().error_body(problem, refusal.detail);
  auto head = http1::HeadWriter::response(out, problem.status);
  head.field("Content-Type", dialect().error_content_type());
  name_request(head);
  if (refusal.detail == dialects::Detail::full && !problem.rule.empty()) {
    head.field("davy-rule", problem.rule);
  }
  if (problem.status == 401) head.field("WWW-Authenticate", "Bearer");
  if (!refusal.allow.empty()) head.field("Allow", refusal.allow);
  if (refusal.retry_after != 0) head.field("Retry-After", std::to_string(refusal.retry_after));
  if (refusal.no_retry) head.field("x-should-retry", "false");
  if (!keep_alive_) head.field("Connection", "close");
  head.content_length(body.size());
  if (!head.finish()) co_return false;
  // An answer to HEAD has no body, whatever its Content-Length says (RFC 9110 9.3.2).
  if (head_.method() != "HEAD") {
    out += body;
    record_.bytes_out = body.size();
  }
  client_.deadline_in(limits_.write_timeout);
  const net::Io io = co_await client_.write(out);
  client_.no_deadline();
  if (io != net::Io::ok) co_return false;
  co_return clean;
}

void Exchange::record() noexcept {
  if (recorded_) return;
  recorded_ = true;
  try {
    const SteadyTime end = state_.loop.steady();
    // By the clock that does not step, so that the end is never before the start.
    const Now now{end, info_.started.wall + std::chrono::duration_cast<WallTime::duration>(
                                                end - info_.started.steady)};
    if (record_.upstream_start && !record_.upstream_end) record_.upstream_end = now.steady;
    Outcome outcome;
    outcome.end = record_.end;
    outcome.status = record_.status;
    outcome.at = now;
    if (record_.usage) {
      outcome.tokens_in = record_.usage->prompt_tokens;
      outcome.tokens_out = record_.usage->completion_tokens;
    }
    run_.finish(outcome);
    if (record_.end == Outcome::End::client_gone && record_.error.empty()) {
      record_.error = "the client left before the exchange ended";
    }
    state_.series->record(info_, record_, run_, now);
    if (refusal_ && refusal_->finding) state_.series->count(info_, *refusal_->finding);
    for (const StageError& error : run_.stage_errors()) {
      log::warning("a stage failed", {{"stage", error.stage},
                                      {"request_id", info_.request_id},
                                      {"error", error.error.message}});
      if (record_.error.empty()) record_.error = error.error.message;
    }
    bool kept = true;
    const auto keep = [&](const Finding& finding) {
      kept &=
          shared_.events
              .append(finding_event(info_, finding, shared_.redactor, state_.loop.scratch(), now))
              .ok();
    };
    for (const Finding& finding : run_.findings()) keep(finding);
    if (refusal_ && refusal_->finding) keep(*refusal_->finding);
    exchange_event(info_, record_, run_, now, state_.event);
    kept &= shared_.events.append(state_.event).ok();
    if (!kept) {
      static log::Sampled sampled(3, 10);
      sampled.write(log::Level::error, "an event could not be kept",
                    {{"request_id", info_.request_id}},
                    static_cast<std::int64_t>(unix_seconds(now.wall)));
    }
  } catch (const std::exception& e) {
    log::error("an exchange could not be recorded", {{"what", e.what()}});
  }
}

}  // namespace davy::gateway
