#include "surfaces/gateway/relay_stream.h"

#include <algorithm>

#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {

void StreamRelay::frame(std::string_view data) {
  if (data.empty()) return;
  within_line_ = data.back() != '\n' && data.back() != '\r';
  x_.record_.bytes_out += data.size();
  if (r_.chunked_) {
    http1::append_chunk(out_, data);
  } else {
    out_.append(data);
  }
}

std::uint64_t& StreamRelay::released(const StreamKey& key) {
  for (Released& entry : released_) {
    if (entry.key == key) return entry.to;
  }
  return released_.emplace_back(Released{key, 0}).to;
}

void StreamRelay::account(const dialects::StreamEvent& event) {
  if (event.usage) x_.record_.usage = event.usage;
  if (!event.finish_reason.empty()) x_.record_.finish_reason = event.finish_reason;
}

// Where a stage reads the answer, what the reader could not take is gone: the stream ends
// with an error that the client sees, never shortened in silence.
bool StreamRelay::unreadable() {
  constexpr std::string_view kWhy = "The model's stream is not in its dialect.";
  x_.record_.error = "the upstream's stream is not in its dialect";
  if (!r_.not_examinable(kWhy, 0)) x_.refuse(upstream_failed(x_.info_, false, kWhy));
  return false;
}

bool StreamRelay::go_without_reader() {
  if (judged_) return unreadable();
  // It was for the token usage alone.
  if (by_event_) frame(reader_->unread());
  reader_.reset();
  return true;
}

bool StreamRelay::take(std::string_view data) {
  if (!judged_) {
    // A caller who was revoked, or a model that was quarantined, gets no further piece.
    if (!x_.allows(x_.run_.check_control())) return false;
    if (!by_event_ || !reader_) frame(data);
    x_.record_.bytes_not_examined += data.size();
  }
  if (!reader_) return true;
  reader_->feed(data);
  for (;;) {
    const auto next = reader_->next(event_);
    if (!next) return go_without_reader();
    if (!*next) return true;
    if (!take_event(event_)) return false;
  }
}

bool StreamRelay::take_event(dialects::StreamEvent& event) {
  account(event);
  if (!judged_) {
    if (by_event_) frame(event.raw);
    return true;
  }
  if (!judge_event(std::move(event))) return false;
  event = {};
  return release_events();
}

bool StreamRelay::judge_event(dialects::StreamEvent event) {
  if (event.bytes_not_examined > 0 &&
      r_.not_examinable("The model's stream holds parts that no rule can read.",
                        event.bytes_not_examined)) {
    return false;
  }
  for (const StreamSegment& segment : event.segments) {
    auto verdict = x_.run_.on_chunk(segment, x_.state_.loop.scratch());
    if (!verdict) {
      x_.refuse(failed_closed(x_.info_, x_.run_.stage_of_denial()));
      return false;
    }
    if (!verdict->decision.allowed()) {
      x_.refuse(denied(x_.info_, verdict->decision.reason(), x_.run_.stage_of_denial()));
      return false;
    }
    released(segment.key) = verdict->released_to;
    for (Edit& edit : verdict->edits) {
      edits_.push_back({segment.key, edit.span, std::move(edit.replacement)});
      x_.record_.decision = Decision::Kind::redact;
    }
  }
  held_.push_back(std::move(event));
  return true;
}

bool StreamRelay::release_events() {
  while (!held_.empty()) {
    const dialects::StreamEvent& front = held_.front();
    const bool free = std::all_of(
        front.segments.begin(), front.segments.end(), [&](const StreamSegment& segment) {
          return segment.offset + segment.text.size() <= released(segment.key);
        });
    if (!free) return true;
    const auto bytes = reader_->apply(front, edits_);
    if (!bytes) {
      x_.record_.error = bytes.error().message;
      x_.refuse(failed_closed(x_.info_, kGateway));
      return false;
    }
    frame(*bytes);
    held_.pop_front();
  }
  // All that was judged went out, with its edits.
  edits_.clear();
  released_.clear();
  return true;
}

bool StreamRelay::finish() {
  if (!reader_) return true;
  const auto rest = reader_->finish(event_);
  if (!rest) return go_without_reader();
  if (*rest && !event_.raw.empty() && r_.head_.framing().body == http1::BodyKind::until_close) {
    // Only the end of the connection says that the body is whole, and an event is not.
    x_.broke_off(net::Io::closed, "the upstream ended the connection inside an event",
                 "The model's stream broke off.");
    return false;
  }
  if (*rest && !take_event(event_)) return false;
  if (held_.empty()) return true;
  // Every hold ends with the last piece of its stream; what is left breaks the contract.
  x_.record_.error = "a stage held back text beyond the end of the stream";
  x_.refuse(failed_closed(x_.info_, kGateway));
  return false;
}

// A denial or failure inside a stream that has begun: the client sees an orderly end.
net::Task<bool> StreamRelay::cut() {
  const Refusal& refusal = *x_.refusal_;
  if (refusal.denied) {
    x_.record_.decision = Decision::Kind::deny;
    x_.record_.denied_by = refusal.problem.rule;
    x_.record_.stage_of_denial = refusal.stage;
    x_.record_.end = Outcome::End::denied;
  }
  if (within_line_) frame("\n\n");  // so that what follows is an event of its own
  const bool by_policy = refusal.denied && !refusal.problem.rule.empty();
  if (by_policy && reader_) {
    x_.record_.finish_reason = "content_filter";
    frame(reader_->cut());
  } else {
    frame(x_.dialect().stream_error(x_.match_.route->operation, refusal.problem, refusal.detail));
  }
  if (r_.chunked_) http1::append_last_chunk(out_);
  x_.keep_alive_ = false;
  client_.deadline_in(x_.limits_.write_timeout);
  (void)co_await client_.write(out_);
  co_return false;
}

net::Task<bool> StreamRelay::run() {
  if (r_.encoded() && x_.run_.wants_answer_text() &&
      r_.not_examinable("The model's stream has a Content-Encoding.", 0)) {
    co_return false;
  }
  if (!r_.encoded()) {
    reader_ = x_.match_.dialect->make_stream(x_.match_.route->operation);
    reader_->reset(x_.asks_usage_);
    reader_->answers(x_.call_id_);
  }
  if (!r_.write_head(out_, std::nullopt)) {
    x_.refuse(upstream_failed(x_.info_, false, "The model's answer is not well-formed HTTP."));
    co_return false;
  }
  x_.answer_begun_ = true;
  for (;;) {
    bool good = true;
    bool done = false;
    bool broken = false;
    for (bool more = true; more && good;) {
      const http1::BodyStep step = r_.decoder_.decode(upstream_.input());
      switch (step.state) {
        case http1::BodyState::data: good = take(step.data); break;
        case http1::BodyState::done:
          done = true;
          more = false;
          break;
        case http1::BodyState::need_more: more = false; break;
        case http1::BodyState::refused:
          broken = true;
          more = false;
          break;
      }
      upstream_.consume(step.consumed);
    }
    if (good && done) good = finish();
    if (!good) co_return co_await cut();
    if (broken) {
      r_.body_refused("The model's stream broke off.");
      co_return co_await cut();
    }
    if (done && r_.chunked_) http1::append_last_chunk(out_);
    if (!out_.empty()) {
      client_.deadline_in(x_.within(x_.limits_.write_timeout));
      const net::Io io = co_await client_.write(out_);
      client_.no_deadline();
      if (io != net::Io::ok) {
        x_.record_.end = Outcome::End::client_gone;
        co_return false;
      }
      if (!x_.record_.first_byte) x_.record_.first_byte = x_.state_.loop.steady();
      out_.clear();
    }
    if (done) co_return true;
    upstream_.deadline_in(x_.within(x_.info_.model->times.pause));
    // The wheel is coarse: pieces that follow each other fast would put its deadline off.
    net::Io io = net::Io::timed_out;
    if (!x_.over_time()) io = co_await upstream_.read_more();
    if (io == net::Io::ok) continue;
    if (x_.client_left_) co_return false;
    if (io == net::Io::closed && r_.decoder_.at_end() == http1::BodyState::done) {
      if (!finish()) co_return co_await cut();
      if (r_.chunked_) http1::append_last_chunk(out_);
      client_.deadline_in(x_.limits_.write_timeout);
      const net::Io written = co_await client_.write(out_);
      if (written != net::Io::ok) {
        x_.record_.end = Outcome::End::client_gone;
        co_return false;
      }
      co_return true;
    }
    x_.broke_off(io, "the upstream ended the connection inside its stream",
                 "The model's stream broke off.");
    co_return co_await cut();
  }
}

}  // namespace davy::gateway
