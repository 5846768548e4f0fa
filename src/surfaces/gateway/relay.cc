#include "surfaces/gateway/relay.h"

#include <algorithm>

#include "base/strings.h"
#include "generated/rules.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/fields.h"
#include "surfaces/gateway/limits.h"
#include "surfaces/gateway/relay_stream.h"

namespace davy::gateway {
namespace {

constexpr std::size_t kUsualHead = 1024;

bool is_event_stream(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return equal_ignoring_case(type, "text/event-stream");
}

http1::Limits answer_limits(const Model& model, bool stream) {
  http1::Limits limits;
  limits.body_bytes = model.max_answer_bytes.value_or(stream ? kMaxStreamBody : kMaxAnswerBody);
  return limits;
}

}  // namespace

Relay::Relay(Exchange& exchange)
    : x_(exchange),
      client_(exchange.client_),
      upstream_(*exchange.upstream_),
      head_(exchange.answer_parser_->head()) {}

bool Relay::begin() {
  const http1::Framing& framing = head_.framing();
  here_ = framing.body == http1::BodyKind::length && *framing.content_length > 0 &&
          upstream_.input().size() - head_.size() >= *framing.content_length;
  if (!here_) {
    // The head must outlive reads into the buffer that it lies in.
    storage_.assign(upstream_.input().substr(0, head_.size()));
    x_.answer_parser_->head().rebase(storage_.data());
  }
  upstream_.consume(head_.size());

  streams_ = is_event_stream(head_.fields().find("content-type").value_or(""));
  if (streams_) x_.info_.stream = true;
  decoder_ = http1::BodyDecoder(framing, answer_limits(*x_.info_.model, streams_));
  x_.record_.status = head_.status();

  auto& fields = x_.state_.fields;
  fields.clear();
  for (const http1::FieldView field : head_.fields()) fields.push_back({field.name, field.value});
  return x_.allows(x_.run_.on_answer_head(AnswerHead{head_.status(), streams_, fields},
                                          x_.state_.loop.scratch()));
}

bool Relay::answer_at_once() {
  if (streams_ || !here_ || !x_.keep_alive_) return false;
  if (client_.output_waits() || client_.broken()) return false;
  if (*head_.framing().content_length > net::Connection::kSmallOutput) return false;
  std::string_view body = take_body();
  std::string edited;
  std::string& out = client_.outbox();
  if (!decoder_.done() || !judge(body, edited, out)) return false;
  out += body;
  client_.send_soon();
  x_.record_.bytes_out = body.size();
  return true;
}

net::Task<bool> Relay::answer() {
  if (streams_ && !head_.framing().no_body()) co_return co_await stream();
  co_return co_await whole();
}

void Relay::end() {
  if (!x_.record_.upstream_end) x_.record_.upstream_end = x_.state_.loop.steady();
  // One that was asked for a WebSocket and declined may yet not see where requests begin.
  x_.leave_upstream(decoder_.done() && head_.framing().keep_alive && !x_.upgrade_);
}

net::Task<bool> Relay::stream() {
  StreamRelay stream(*this, x_.run_.wants_answer_text() && !encoded());
  co_return co_await stream.run();
}

bool Relay::encoded() const {
  return !equal_ignoring_case(trim(head_.fields().find("content-encoding").value_or("identity")),
                              "identity");
}

bool Relay::write_head(std::string& out, std::optional<std::uint64_t> length) {
  out.reserve(kUsualHead);
  if (x_.shared_.draining.load(std::memory_order_relaxed)) x_.keep_alive_ = false;
  auto head = http1::HeadWriter::response(out, head_.status(), head_.reason());
  head_.fields().each_end_to_end([&](http1::FieldView field) {
    if (!speaks_for_us(field.name)) head.field(field.name, field.value);
  });
  head.field("davy-request-id", x_.info_.request_id);
  if (x_.head_.method() == "HEAD") {
    // What the answer to a GET would have.
    if (const auto said = head_.fields().find("content-length")) {
      head.field("Content-Length", *said);
    }
  } else if (head_.status() == 204 || head_.status() == 304) {
    // No body, and nothing that speaks of one (RFC 9112 6.3).
  } else if (length) {
    head.content_length(*length);
  } else if (x_.head_.minor_version() == 1) {
    chunked_ = true;
    head.chunked();
  } else {
    x_.keep_alive_ = false;
  }
  if (!x_.keep_alive_) head.field("Connection", "close");
  return head.finish().ok();
}

std::string_view Relay::take_body() {
  const http1::BodyStep step = decoder_.decode(upstream_.input());
  upstream_.consume(step.consumed);
  return step.data;
}

net::Task<bool> Relay::collect(std::string_view& body) {
  const http1::Framing& framing = head_.framing();
  if (framing.body == http1::BodyKind::length &&
      *framing.content_length <= answer_limits(*x_.info_.model, false).body_bytes) {
    upstream_.reserve(static_cast<std::size_t>(*framing.content_length));
  }
  std::string collected;
  bool copied = false;
  std::string_view first;
  for (;;) {
    const http1::BodyStep step = decoder_.decode(upstream_.input());
    if (step.state == http1::BodyState::done) {
      upstream_.consume(step.consumed);
      break;
    }
    if (step.state == http1::BodyState::refused) {
      body_refused("The model's answer is not well-formed HTTP.");
      co_return false;
    }
    if (step.state == http1::BodyState::data) {
      // One piece that is the whole body needs no copy: it stays in the input until the
      // next read, and there is none.
      if (!copied && first.empty() && decoder_.done()) {
        first = step.data;
      } else {
        copied = true;
        collected.append(step.data);
      }
      upstream_.consume(step.consumed);
      continue;
    }
    const net::Io io = co_await upstream_.read_more();
    if (io != net::Io::ok && x_.client_left_) co_return false;
    if (io == net::Io::closed && decoder_.at_end() == http1::BodyState::done) break;
    if (io != net::Io::ok) {
      constexpr std::string_view kError = "the upstream ended the connection inside its answer";
      x_.broke_off(io, kError, kError);
      co_return false;
    }
  }
  if (copied) {
    body_storage_ = std::move(collected);
    body = body_storage_;
  } else {
    body = first;
  }
  co_return true;
}

void Relay::body_refused(std::string_view otherwise) {
  if (decoder_.problem().refusal == http1::Refusal::body_too_large) {
    const std::size_t limit = answer_limits(*x_.info_.model, streams_).body_bytes;
    x_.record_.error = "the answer is larger than max_answer_bytes: " + std::to_string(limit);
    x_.refuse(answer_too_large(x_.info_, limit));
    return;
  }
  x_.record_.error = http1::info(decoder_.problem().refusal).message;
  x_.record_.end = Outcome::End::upstream_gone;
  x_.refuse(upstream_failed(x_.info_, false, otherwise));
}

bool Relay::not_examinable(std::string_view why, std::uint64_t bytes) {
  if (x_.run_.must_examine_answer() && x_.info_.model->unexamined == Unexamined::deny) {
    x_.refuse(rules::kGatewayAnswerNotExamined, std::string(why));
    return true;
  }
  x_.record_.bytes_not_examined += bytes;
  return false;
}

bool Relay::judge_whole(std::string_view body, std::string& edited) {
  std::vector<dialects::StreamEdit> edits;
  auto& free = x_.state_.answers[x_.shared_.routes.kind_of(x_.match_)];
  std::unique_ptr<dialects::AnswerDocument> document;
  if (free.empty()) {
    document = x_.match_.dialect->make_answer(x_.match_.route->operation);
  } else {
    document = std::move(free.back());
    free.pop_back();
  }
  const bool hidden = encoded();
  const bool wanted = x_.run_.wants_answer_text();
  const bool readable =
      !hidden && (wanted ? document->read(body) : document->read_account(body)).ok();
  if (readable) {
    x_.record_.usage = document->usage();
    x_.record_.finish_reason = document->finish_reason();
  }
  bool good = true;
  if (!wanted) {
    x_.record_.bytes_not_examined += body.size();
  } else if (!readable && x_.reading_ == dialects::Reading::none) {
    x_.record_.bytes_not_examined += body.size();  // no model made it
  } else if (!readable) {
    good = body.empty() || !not_examinable(hidden ? "The model's answer has a Content-Encoding."
                                                  : "The model's answer is not in its dialect.",
                                           body.size());
  } else if (document->bytes_not_examined() > 0 &&
             not_examinable("The model's answer holds parts that no rule can read.",
                            document->bytes_not_examined())) {
    good = false;
  } else {
    for (const StreamSegment& segment : document->segments()) {
      auto verdict = x_.run_.on_chunk(segment, x_.state_.loop.scratch());
      if (!verdict) {
        x_.refuse(failed_closed(x_.info_, x_.run_.stage_of_denial()));
        good = false;
        break;
      }
      if (!verdict->decision.allowed()) {
        x_.refuse(denied(x_.info_, verdict->decision.reason(), x_.run_.stage_of_denial()));
        good = false;
        break;
      }
      for (Edit& edit : verdict->edits) {
        edits.push_back({segment.key, edit.span, std::move(edit.replacement)});
      }
    }
    if (good && !edits.empty()) {
      auto applied = document->apply(edits);
      if (!applied) {
        x_.record_.error = applied.error().message;
        x_.refuse(failed_closed(x_.info_, kGateway));
        good = false;
      } else {
        edited = std::move(applied).value();
        x_.record_.decision = Decision::Kind::redact;
      }
    }
  }
  free.push_back(std::move(document));
  return good;
}

bool Relay::judge(std::string_view& body, std::string& edited, std::string& out) {
  x_.record_.upstream_end = x_.state_.loop.steady();
  if (!judge_whole(body, edited)) return false;
  if (!edited.empty()) body = edited;
  if (!write_head(out, body.size())) {
    x_.record_.error = "the upstream's head cannot be passed on";
    x_.refuse(upstream_failed(x_.info_, false, "The model's answer is not well-formed HTTP."));
    return false;
  }
  x_.answer_begun_ = true;
  x_.record_.first_byte = x_.record_.upstream_end;  // its first byte follows at once
  return true;
}

net::Task<bool> Relay::whole() {
  std::string_view body;
  const bool collected = co_await collect(body);
  if (!collected) co_return false;
  std::string edited;
  std::string out;
  if (!judge(body, edited, out)) co_return false;
  std::string_view unsent_head = out;
  net::Io io = net::Io::ok;
  do {
    std::string_view piece = body.substr(0, kWritePiece);
    body.remove_prefix(piece.size());
    const std::size_t size = piece.size();
    client_.deadline_in(x_.within(x_.limits_.write_timeout));
    if (!client_.write_now(unsent_head, piece)) io = co_await client_.write(unsent_head, piece);
    unsent_head = {};
    if (io != net::Io::ok) break;
    x_.record_.bytes_out += size;
  } while (io == net::Io::ok && !body.empty());
  client_.no_deadline();
  if (io != net::Io::ok) x_.record_.end = Outcome::End::client_gone;
  co_return io == net::Io::ok;
}

}  // namespace davy::gateway
