#include "surfaces/gateway/exchange.h"

#include <array>
#include <exception>

#include "base/ids.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/strings.h"
#include "generated/rules.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/gateway/relay.h"

namespace davy::gateway {
namespace {

constexpr std::string_view kGateway = "gateway";
// A larger body is parsed and judged in the pool whatever the stages cost.
constexpr std::size_t kPoolBody = 64 * 1024;

// Fields of a request that must not reach the upstream: they are addressed to us.
bool for_us_alone(std::string_view field) {
  static constexpr std::array<std::string_view, 5> kOurs{"authorization", "x-api-key", "api-key",
                                                         "cookie", "accept-encoding"};
  for (const std::string_view ours : kOurs) {
    if (equal_ignoring_case(field, ours)) return true;
  }
  return false;
}

bool is_json(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return equal_ignoring_case(type, "application/json");
}

}  // namespace

LoopState::LoopState(net::Loop& l, Shared& s)
    : loop(l),
      shared(s),
      snapshot(s.snapshots),
      upstreams(l),
      requests(s.routes.dialect_count()),
      answers(s.routes.dialect_count()),
      series(std::make_unique<SeriesCache>(s.metrics)) {}

LoopState::~LoopState() = default;

Exchange::Exchange(LoopState& state, net::Connection& client, http1::RequestHead& head,
                   std::string_view client_ip)
    : state_(state),
      shared_(state.shared),
      client_(client),
      head_(head),
      snapshot_(state.snapshot.get()),
      info_([&] {
        ExchangeInfo info;
        info.started = state.loop.now();
        info.request_id = new_request_id(info.started.wall);
        info.client_ip = client_ip;
        info.snapshot = snapshot_.get();
        return info;
      }()),
      run_(info_, &shared_.control) {
  record_.method = head.method();
  record_.path = head.path();
  record_.user_agent = head.fields().find("user-agent").value_or("");
  shared_.active.fetch_add(1, std::memory_order_relaxed);
}

Exchange::~Exchange() {
  if (document_) {
    state_.requests[shared_.routes.index_of(*match_.dialect)].push_back(std::move(document_));
  }
  record();
  shared_.active.fetch_sub(1, std::memory_order_relaxed);
}

const dialects::Dialect& Exchange::dialect() const noexcept {
  return match_.dialect != nullptr ? *match_.dialect : shared_.routes.fallback();
}

void Exchange::refuse(RuleId rule, std::string message, std::string fix) {
  refuse(denied(info_, about_request(rule, std::move(message), std::move(fix)), kGateway));
}

net::Task<bool> Exchange::run() {
  bool answered = false;
  if (route() && judge_head()) {
    answered = co_await read_body();
    if (answered) answered = co_await judge_request();
    if (answered) answered = co_await open_evidence();
    if (answered) answered = co_await call_upstream();
    if (answered) {
      Relay relay(*this);
      answered = co_await relay.run();
    }
  }
  if (answered) {
    record_.end = Outcome::End::answered;
  } else if (refusal_ && !answer_begun_) {
    answered = co_await send_refusal();
  }
  client_.consume(consumed_);
  record();
  co_return answered && keep_alive_;
}

bool Exchange::route() {
  match_ = shared_.routes.find(head_.method(), head_.path());
  record_.dialect = dialect().name();
  if (match_.route != nullptr) {
    record_.route = match_.route->path;
    return true;
  }
  refuse(rules::kGatewayRouteUnknown,
         match_.dialect != nullptr ? "This path does not serve the request's method."
                                   : "No model API is served at the request's path.");
  return false;
}

bool Exchange::judge_head() {
  state_.fields.clear();
  for (const http1::FieldView field : head_.fields()) {
    state_.fields.push_back({field.name, field.value});
  }
  const RequestHead head{head_.method(), head_.path(), head_.query(), state_.fields};
  const auto decision = run_.on_head(head, state_.loop.scratch());
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

net::Task<bool> Exchange::read_body() {
  const http1::Framing& framing = head_.framing();
  const std::string_view encoding =
      trim(head_.fields().find("content-encoding").value_or("identity"));
  const std::string_view type = head_.fields().find("content-type").value_or("");
  if (!equal_ignoring_case(encoding, "identity")) {
    refuse(rules::kGatewayRequestNotExamined,
           "The body has a Content-Encoding, so its text cannot be examined.");
    refusal_->problem.status = 415;
    co_return false;
  }
  if (!is_json(type)) {
    refuse(rules::kGatewayRequestNotExamined,
           "The body is not declared as JSON, so its text cannot be examined.",
           "Send `Content-Type: application/json`.");
    refusal_->problem.status = 415;
    co_return false;
  }
  if (framing.content_length.value_or(0) > kMaxRequestBody) {
    refuse(rules::kGatewayRequestTooLarge, "The body is larger than 16 MiB.");
    co_return false;
  }
  client_.deadline_in(kBodyTime);
  if (framing.expect_continue &&
      co_await client_.write("HTTP/1.1 100 Continue\r\n\r\n") != net::Io::ok) {
    record_.end = Outcome::End::client_gone;
    co_return false;
  }

  const std::size_t head_size = head_.size();
  if (framing.chunked()) {
    http1::Limits limits;
    limits.body_bytes = kMaxRequestBody;
    http1::BodyDecoder decoder(framing, limits);
    std::size_t at = head_size;
    for (;;) {
      const http1::BodyStep step = decoder.decode(client_.input().substr(at));
      body_storage_.append(step.data);
      at += step.consumed;
      if (step.state == http1::BodyState::done) break;
      if (step.state == http1::BodyState::refused) {
        const http1::RefusalInfo& why = http1::info(decoder.problem().refusal);
        refuse(why.status == 413 ? rules::kGatewayRequestTooLarge
                                 : rules::kGatewayRequestMalformed,
               std::string(why.message));
        co_return false;
      }
      if (step.state != http1::BodyState::need_more) continue;
      const net::Io io = co_await client_.read_more();
      head_.rebase(client_.input().data());
      if (io != net::Io::ok) {
        record_.end = Outcome::End::client_gone;
        co_return false;
      }
    }
    body_ = body_storage_;
    consumed_ = at;
  } else {
    const std::size_t size = static_cast<std::size_t>(framing.content_length.value_or(0));
    if (client_.input().size() < head_size + size) {
      client_.reserve(head_size + size);
      head_.rebase(client_.input().data());
    }
    while (client_.input().size() < head_size + size) {
      const net::Io io = co_await client_.read_more();
      head_.rebase(client_.input().data());
      if (io != net::Io::ok) {
        record_.end = Outcome::End::client_gone;
        co_return false;
      }
    }
    body_ = client_.input().substr(head_size, size);
    consumed_ = head_size + size;
  }
  client_.no_deadline();
  body_read_ = true;
  keep_alive_ = head_.framing().keep_alive && !shared_.draining.load(std::memory_order_relaxed);
  record_.bytes_in = body_.size();
  co_return true;
}

bool Exchange::find_model() {
  record_.model = document_->model();
  info_.stream = document_->stream();
  info_.model = snapshot_->model(document_->model());
  if (info_.model == nullptr || info_.model->dialect != dialect().name()) {
    info_.model = nullptr;
    refuse(rules::kGatewayModelUnknown,
           "No model of the name that the request gives is served on this path.");
    return false;
  }
  const std::uint64_t hidden = document_->bytes_not_examined();
  record_.bytes_not_examined += run_.wants_request_text() ? hidden : body_.size();
  if (hidden > 0 && run_.must_examine_request() && info_.model->unexamined == Unexamined::deny) {
    refuse(rules::kGatewayRequestNotExamined,
           "The request holds an image, audio or a file, whose content no rule can read.");
    return false;
  }
  return true;
}

net::Task<bool> Exchange::judge_request() {
  auto& free = state_.requests[shared_.routes.index_of(*match_.dialect)];
  if (free.empty()) {
    document_ = match_.dialect->make_request();
  } else {
    document_ = std::move(free.back());
    free.pop_back();
  }

  Result<void> read = Result<void>();
  Result<Decision> decision = Decision::allow();
  const auto judge = [&](Scratch& scratch) {
    decision = run_.on_request(document_->segments(), scratch);
  };
  bool ran = true;
  if (body_.size() > kPoolBody) {
    ran = co_await shared_.workers.run(state_.loop,
                                       [&](Scratch&) { read = document_->read(body_); });
  } else {
    read = document_->read(body_);
  }
  if (ran && !read) {
    refuse(malformed(info_, read.error()));
    co_return false;
  }
  if (ran) {
    if (!find_model()) co_return false;
    if (run_.placement(body_.size()) == Placement::pool) {
      ran = co_await shared_.workers.run(state_.loop, judge);
    } else {
      judge(state_.loop.scratch());
    }
  }
  if (!ran) {
    // Nothing was examined: the same as a control that failed.
    record_.error = "the worker pool is full";
    refuse(failed_closed(info_, kGateway));
    co_return false;
  }
  if (!decision) {
    refuse(failed_closed(info_, run_.stage_of_denial()));
    co_return false;
  }
  record_.decision = decision->kind();
  if (!decision->allowed()) {
    refuse(denied(info_, decision->reason(), run_.stage_of_denial()));
    co_return false;
  }
  if (!run_.request_edits().empty()) {
    auto edited = document_->apply(run_.request_edits());
    if (!edited) {
      record_.error = edited.error().message;
      refuse(failed_closed(info_, kGateway));
      co_return false;
    }
    edited_body_ = std::move(edited).value();
    body_ = edited_body_;
  }
  co_return true;
}

net::Task<bool> Exchange::open_evidence() {
  if (snapshot_->settings.evidence != Evidence::required) co_return true;
  const Event begin = exchange_event(info_, record_, run_, state_.loop.now());
  Result<void> kept = internal_error("the worker pool is full");
  const bool ran = co_await shared_.workers.run(
      state_.loop, [&](Scratch&) { kept = shared_.events.begin(begin); });
  if (ran && kept) co_return true;
  record_.error = kept.error().message;
  refuse(failed_closed(info_, "monitoring.evidence"));
  co_return false;
}

bool Exchange::write_upstream_head(const UpstreamUrl& url, std::string& out) {
  std::string target = url.base_path + std::string(match_.route->upstream_path);
  if (!head_.query().empty()) target.append("?").append(head_.query());
  auto head = http1::HeadWriter::request(out, head_.method(), target);
  head.field("Host", url.authority());
  head_.fields().each_end_to_end([&](http1::FieldView field) {
    if (!for_us_alone(field.name)) head.field(field.name, field.value);
  });
  head.field("Accept-Encoding", "identity");
  head.content_length(body_.size());
  if (const auto written = head.finish(); !written) {
    record_.error = written.error().message;
    refuse(malformed(info_, written.error()));
    return false;
  }
  // The credential's lines go before the empty line.
  out.resize(out.size() - 2);
  if (snapshot_->credentials) {
    if (const auto added = snapshot_->credentials->append_fields(*info_.model, out); !added) {
      record_.error = added.error().message;
      refuse(upstream_failed(info_, false, "The model's credential is not available."));
      return false;
    }
  }
  out += "\r\n";
  return true;
}

net::Task<bool> Exchange::call_upstream() {
  record_.upstream_start = state_.loop.now().steady;
  std::string head;
  bool sent = false;
  for (const UpstreamUrl& url : info_.model->upstreams) {
    // Twice: a connection from the pool may have been ended by the other side just now.
    for (int attempt = 0; attempt < 2 && !sent; ++attempt) {
      auto lease = co_await state_.upstreams.acquire(url, kConnectTime);
      if (!lease) {
        record_.error = lease.error().message;
        break;
      }
      head.clear();
      if (!write_upstream_head(url, head)) co_return false;
      upstream_ = std::move(lease->connection);
      upstream_url_ = &url;
      record_.upstream_called = true;
      upstream_->deadline_in(kAnswerTime);
      const std::array<net::asio::const_buffer, 2> parts{net::asio::buffer(head),
                                                         net::asio::buffer(body_)};
      const net::Io io = co_await upstream_->write(parts);
      wipe(head.data(), head.size());
      sent = io == net::Io::ok;
      // Not all of the request was taken, so it cannot have been acted upon.
      if (!sent && !lease->reused) break;
    }
    if (sent) break;
  }
  if (!sent) {
    record_.end = Outcome::End::upstream_gone;
    refuse(upstream_failed(info_, false, "No upstream of the model accepts the request."));
    co_return false;
  }

  answer_parser_.emplace();
  for (;;) {
    const http1::Progress progress = answer_parser_->parse(upstream_->input());
    if (progress == http1::Progress::complete) {
      if (!answer_parser_->head().interim()) break;
      upstream_->consume(answer_parser_->head().size());
      answer_parser_->reset();
      continue;
    }
    if (progress == http1::Progress::refused) {
      record_.error = http1::info(answer_parser_->problem().refusal).message;
      record_.end = Outcome::End::upstream_gone;
      refuse(upstream_failed(info_, false, "The model's answer is not well-formed HTTP."));
      co_return false;
    }
    const net::Io io = co_await upstream_->read_more();
    if (io != net::Io::ok) {
      record_.error = io == net::Io::timed_out ? "the upstream did not answer in time"
                                               : "the upstream ended the connection";
      record_.end = Outcome::End::upstream_gone;
      refuse(upstream_failed(info_, io == net::Io::timed_out,
                             "The model ended the connection or gave no answer."));
      co_return false;
    }
  }
  co_return true;
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
  head.field("Content-Type", "application/problem+json");
  head.field("davy-request-id", info_.request_id);
  if (refusal.detail == dialects::Detail::full && !problem.rule.empty()) {
    head.field("davy-rule", problem.rule);
  }
  if (problem.status == 401) head.field("WWW-Authenticate", "Bearer");
  if (refusal.no_retry) head.field("x-should-retry", "false");
  if (!keep_alive_) head.field("Connection", "close");
  head.content_length(body.size());
  if (!head.finish()) co_return false;
  out += body;
  record_.bytes_out = body.size();
  client_.deadline_in(kWriteTime);
  const net::Io io = co_await client_.write(out);
  client_.no_deadline();
  if (io != net::Io::ok) co_return false;
  co_return clean;
}

void Exchange::record() noexcept {
  if (recorded_) return;
  recorded_ = true;
  try {
    const Now now = state_.loop.now();
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
    state_.series->record(info_, record_, run_, now);
    for (const StageError& error : run_.stage_errors()) {
      log::warning("a stage failed", {{"stage", error.stage},
                                      {"request_id", info_.request_id},
                                      {"error", error.error.message}});
      if (record_.error.empty()) record_.error = error.error.message;
    }
    bool kept = true;
    const auto keep = [&](const Finding& finding) {
      kept &= shared_.events
                  .append(finding_event(info_, finding, shared_.redactor, state_.loop.scratch(), now))
                  .ok();
    };
    for (const Finding& finding : run_.findings()) keep(finding);
    if (refusal_ && refusal_->finding) keep(*refusal_->finding);
    kept &= shared_.events.append(exchange_event(info_, record_, run_, now)).ok();
    if (!kept) {
      static log::Sampled sampled(3, 10);
      sampled.write(log::Level::error, "an event could not be kept", {{"request_id", info_.request_id}},
                    static_cast<std::int64_t>(unix_seconds(now.wall)));
    }
  } catch (const std::exception& e) {
    log::error("an exchange could not be recorded", {{"what", e.what()}});
  }
}

}  // namespace davy::gateway
