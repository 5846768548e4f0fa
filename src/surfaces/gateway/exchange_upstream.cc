// The upstream's side of an exchange, up to the head of its answer.
#include "base/log.h"
#include "base/secret.h"
#include "base/strings.h"
#include "mechanisms/net/http1/path.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/exchange.h"
#include "surfaces/gateway/fields.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {
namespace {

constexpr std::size_t kUsualHead = 1024;
// An upstream's Retry-After beyond this, in seconds, is passed on as this.
constexpr std::uint64_t kLongestWait = 86'400;

}  // namespace

std::string Exchange::upstream_target(const Upstream& upstream) const {
  const std::string_view fixed = match_.route->upstream_path;
  std::string_view below = fixed.empty() ? match_.below_base(head_.path()) : fixed;
  if (fixed == dialects::kNothing) below = {};
  std::string target = upstream.target(below);
  if (target.empty()) target = "/";
  // Azure's query is the configuration's alone.
  if (head_.query().empty() || upstream.azure) return target;
  target += '?';
  if (match_.route->names != dialects::Names::query) return target.append(head_.query());
  // The model is named there: by the name that the upstream knows.
  const std::string& model = upstream.model.empty() ? info_.model->name : upstream.model;
  std::string_view rest = head_.query();
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (target.back() != '?') target += '&';
    if (part.substr(0, part.find('=')) == kModelParameter) {
      target.append(kModelParameter).append("=").append(http1::encode_segment(model));
    } else {
      target.append(part);
    }
  }
  return target;
}

bool Exchange::switched() const noexcept {
  return upgrade_ && answer_parser_->head().status() == 101;
}

bool Exchange::write_upstream_head(std::string& out) {
  const Upstream& upstream = choice_.upstream();
  const net::UpstreamTarget& target = choice_.target();
  auto head = http1::HeadWriter::request(out, head_.method(),
                                         target.target_prefix() + upstream_target(upstream));
  head.field("Host", target.host_field());
  const bool edited = !run_.request_edits().empty();
  head_.fields().each_end_to_end([&](http1::FieldView field) {
    if (stays_here(field.name) || (edited && dialect().repeats_body(field.name))) return;
    head.field(field.name, field.value);
  });
  head.field("Accept-Encoding", "identity");
  if (reading_ == dialects::Reading::documents) {
    head.field("Content-Type", "application/json");
  } else if (!body_.empty()) {
    for (const std::string_view name : {"Content-Type", "Content-Encoding"}) {
      if (const auto value = head_.fields().find(name)) head.field(name, *value);
    }
  }
  if (upgrade_) head.field("Connection", "Upgrade").field("Upgrade", "websocket");
  if (!body_.empty() || head_.framing().content_length || head_.framing().chunked()) {
    head.content_length(body_.size());
  }
  if (const auto written = head.finish(); !written) {
    record_.error = written.error().message;
    refuse(malformed(info_, written.error()));
    return false;
  }
  // The credential's lines go before the empty line.
  out.resize(out.size() - 2);
  if (snapshot_->credentials) {
    if (const auto added = snapshot_->credentials->append_fields(*info_.model, upstream, out);
        !added) {
      record_.error = added.error().message;
      refuse(upstream_failed(info_, false, "The model's credential is not available."));
      return false;
    }
  }
  if (!target.target_prefix().empty()) target.proxy()->append_field(out);
  append_wiping(out, "\r\n");
  return true;
}

void Exchange::watch_client(void* exchange) noexcept {
  auto& self = *static_cast<Exchange*>(exchange);
  // Bytes beyond this request are the next one: whoever sent them may have ended its
  // side, and is answered, as long as it can be.
  const bool pipelined = self.client_.input().size() > self.consumed_;
  if (self.client_left_ || (pipelined && !self.client_.broken())) return;
  if (!self.client_.broken() && !self.client_.peer_ended()) return;
  self.client_left_ = true;
  self.record_.end = Outcome::End::client_gone;
  if (self.upstream_ != nullptr) self.upstream_->abort();
}

bool Exchange::choose_upstream(SteadyTime now) {
  if (choice_.next(now, state_.chance())) return write_body(choice_.upstream().model);
  record_.end = Outcome::End::upstream_gone;
  if (record_.error.empty()) {
    record_.error = "every upstream of the model is left alone, since it keeps failing";
    refuse(upstream_unavailable(info_, choice_.wait(now)));
  } else {
    refuse_unreached();
  }
  return false;
}

void Exchange::refuse_unreached() {
  if (busy_.status != 0) {
    refuse(upstream_busy(info_, busy_));
  } else {
    refuse(upstream_failed(info_, false, "No upstream of the model accepts the request."));
  }
}

void Exchange::use(std::unique_ptr<net::Connection> connection, bool reused) {
  upstream_ = std::move(connection);
  upstream_in_use_ = state_.upstreams.in_use(choice_.target());
  upstream_reused_ = reused;
  record_.upstream_called = true;
  upstream_->deadline_in(within(info_.model->times.answer));
  if (!answer_parser_ && !state_.parsers.empty()) {
    answer_parser_ = std::move(state_.parsers.back());
    state_.parsers.pop_back();
  }
  if (!answer_parser_) answer_parser_ = std::make_unique<http1::ResponseParser>();
  answer_parser_->reset(head_.method() == "HEAD");
}

void Exchange::leave_upstream(bool clean) {
  upstream_in_use_ = {};
  if (upstream_ == nullptr) return;
  if (clean && !client_left_) {
    const SteadyTime since = record_.upstream_end ? *record_.upstream_end : state_.loop.steady();
    state_.upstreams.put_back(choice_.target(), std::move(upstream_), since);
  }
  upstream_.reset();
}

bool Exchange::send_at_once() {
  record_.upstream_start = state_.loop.steady();
  choice_.begin(*info_.model, published_->of(*info_.model));
  client_.watch(&Exchange::watch_client, this);
  // It ended its side behind its request, as some clients do that still want the answer.
  if (client_.ending()) half_closed_.set(kHalfClosedTime);
  if (client_left_ || !choose_upstream(*record_.upstream_start)) return false;
  if (body_.size() > net::Connection::kSmallOutput) return false;
  auto connection = state_.upstreams.take_idle(choice_.target(), *record_.upstream_start);
  if (connection == nullptr) return false;
  std::string& out = connection->outbox(true);
  if (!write_upstream_head(out)) return false;
  append_wiping(out, body_);
  connection->send_soon();
  use(std::move(connection), true);
  return true;
}

net::Task<bool> Exchange::send_request(bool fresh) {
  using Failure = net::CircuitBreaker::Failure;
  std::string head;
  head.reserve(kUsualHead);
  while (!client_left_) {
    leave_upstream(false);
    net::UpstreamTarget& target = choice_.target();
    std::unique_ptr<net::Connection> connection;
    if (!fresh) connection = state_.upstreams.take_idle(target, state_.loop.steady());
    const bool reused = connection != nullptr;
    if (!reused) {
      auto made = co_await state_.upstreams.connect(target, within(info_.model->times.connect));
      if (!made) {
        record_.error = made.error().message;
        if (made.error().kind == ErrorKind::limit) {
          // Ours, not the upstream's: no other one could be reached either.
          choice_.give_up();
          record_.end = Outcome::End::upstream_gone;
          refuse(out_of_means(info_));
          co_return false;
        }
        choice_.failed(Failure::connect, record_.error, state_.loop.now());
        if (!go_on(net::UpstreamTarget::Reason::connect)) co_return false;
        fresh = false;
        continue;
      }
      connection = std::move(made).value();
      choice_.connected(state_.loop.now());
      if (client_left_) {
        state_.upstreams.put_back(target, std::move(connection), state_.loop.steady());
        break;
      }
    }
    head.clear();
    if (!write_upstream_head(head)) co_return false;
    use(std::move(connection), reused);
    const net::Io io = co_await upstream_->write(head, body_);
    wipe(head.data(), head.size());
    if (io == net::Io::ok) co_return true;
    if (client_left_) break;
    // Not all of the request was taken, so it cannot have been acted upon.
    if (reused) {
      target.count_retry();
      fresh = true;
      continue;
    }
    const bool early = co_await answered_early();
    if (early) co_return true;
    record_.error = "the upstream ended the connection inside the request";
    choice_.failed(Failure::answer, record_.error, state_.loop.now());
    if (!go_on(net::UpstreamTarget::Reason::connect)) co_return false;
    fresh = false;
  }
  co_return false;
}

bool Exchange::go_on(net::UpstreamTarget::Reason reason) {
  const bool wanted =
      reason == net::UpstreamTarget::Reason::status || info_.model->fail_over.connect;
  const Now now = state_.loop.now();
  if (wanted && choice_.another(now.steady)) {
    choice_.target().count_fail_over(reason);
    static log::Sampled sampled(3, 10);
    sampled.write(log::Level::info, "a request goes on to another upstream",
                  {{"request_id", info_.request_id},
                   {"model", info_.model->name},
                   {"from", choice_.target().label()},
                   {"why", record_.error}},
                  static_cast<std::int64_t>(unix_seconds(now.wall)));
    return choose_upstream(now.steady);
  }
  record_.end = Outcome::End::upstream_gone;
  refuse_unreached();
  return false;
}

net::Task<bool> Exchange::answered_early() {
  // Such as 413 to a body that is too large. Once it is whole, run() finds it there.
  for (;;) {
    answer_parser_->reset(head_.method() == "HEAD");
    if (answer_parser_->parse(upstream_->input()) == http1::Progress::complete) {
      const bool final = !answer_parser_->head().interim();
      answer_parser_->reset(head_.method() == "HEAD");
      co_return final;
    }
    const net::Io io = co_await upstream_->read_more();
    if (io != net::Io::ok) co_return false;
  }
}

bool Exchange::refused_by_upstream() {
  const http1::ResponseHead& head = answer_parser_->head();
  if (head.status() < 400) {
    choice_.succeeded(state_.loop);
    record_.error.clear();  // of an upstream that was asked before
    return false;
  }
  const std::string said = "status " + std::to_string(head.status());
  const bool bad = head.status() == 502 || head.status() == 503 || head.status() == 504;
  if (bad) {
    choice_.failed(net::CircuitBreaker::Failure::answer, said, state_.loop.now());
  } else {
    choice_.succeeded(state_.loop);
  }
  const std::vector<int>& listed = info_.model->fail_over.status;
  if (std::find(listed.begin(), listed.end(), head.status()) == listed.end() ||
      !choice_.another(state_.loop.steady())) {
    return false;
  }
  record_.error = said;
  const auto wait = head.fields().find("retry-after").value_or("");
  busy_ = {head.status(),
           static_cast<std::uint32_t>(std::min(to_number(trim(wait)).value_or(0), kLongestWait))};
  // What is there of the answer is dropped; the connection stays if that is all.
  http1::BodyDecoder decoder(head.framing(), http1::Limits{});
  std::string_view rest = upstream_->input().substr(head.size());
  http1::BodyStep step;
  do {
    step = decoder.decode(rest);
    rest.remove_prefix(step.consumed);
  } while (step.state == http1::BodyState::data);
  const bool clean = step.state == http1::BodyState::done && head.framing().keep_alive;
  upstream_->consume(upstream_->input().size() - rest.size());
  leave_upstream(clean);
  return true;
}

Exchange::AnswerHead Exchange::parse_answer_head() {
  constexpr std::string_view kMalformed = "The model's answer is not well-formed HTTP.";
  const auto ended = [this](std::string_view error) {
    record_.error = error;
    record_.end = Outcome::End::upstream_gone;
    choice_.failed(net::CircuitBreaker::Failure::answer, error, state_.loop.now());
    refuse(upstream_failed(info_, false, kMalformed));
    return AnswerHead::ended;
  };
  for (;;) {
    const http1::Progress progress = answer_parser_->parse(upstream_->input());
    if (progress == http1::Progress::need_more) return AnswerHead::need_more;
    if (progress == http1::Progress::refused) {
      return ended(http1::info(answer_parser_->problem().refusal).message);
    }
    const http1::ResponseHead& head = answer_parser_->head();
    if (head.status() == 101) {
      const std::string_view protocol = head.fields().find("upgrade").value_or("");
      if (upgrade_ && equal_ignoring_case(protocol, "websocket")) return AnswerHead::complete;
      return ended("the upstream switched protocols, which nobody asked for");
    }
    if (!head.interim()) return AnswerHead::complete;
    upstream_->consume(head.size());
    answer_parser_->reset(head_.method() == "HEAD");
  }
}

void Exchange::answer_missing(net::Io io) {
  if (client_left_) return;
  const bool late = io == net::Io::timed_out;
  std::string error =
      late ? "the upstream did not answer in time" : "the upstream ended the connection";
  if (const auto why = upstream_->tls_trouble()) error += ": " + why->message;
  choice_.failed(net::CircuitBreaker::Failure::answer, error, state_.loop.now());
  broke_off(io, error, "The model ended the connection or gave no answer.");
}

}  // namespace davy::gateway
