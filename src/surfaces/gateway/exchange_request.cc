// The request's side of an exchange: its body, its model, what the stages say of it.
#include "base/strings.h"
#include "generated/rules.h"
#include "surfaces/gateway/exchange.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {
namespace {

// A larger body is parsed and judged in the pool whatever the stages cost.
constexpr std::size_t kPoolBody = 64 * 1024;

bool is_json(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return equal_ignoring_case(type, "application/json");
}

}  // namespace

bool Exchange::admit_body() {
  const http1::Framing& framing = head_.framing();
  const std::string_view encoding =
      trim(head_.fields().find("content-encoding").value_or("identity"));
  const std::string_view type = head_.fields().find("content-type").value_or("");
  if (head_.fields().count("content-encoding") > 1 || head_.fields().count("content-type") > 1) {
    refuse(rules::kGatewayRequestMalformed,
           "Content-Type or Content-Encoding stands twice, so two programs may read the body in "
           "two ways.",
           "Send each once.");
    return false;
  }
  if (!head_.query().empty()) {
    refuse(rules::kGatewayRequestMalformed,
           "This path takes no query: what stands there would reach the model unexamined.",
           "Send everything in the body.");
    return false;
  }
  if (!equal_ignoring_case(encoding, "identity")) {
    refuse(rules::kGatewayRequestNotExamined,
           "The body has a Content-Encoding, so its text cannot be examined.");
    refusal_->problem.status = 415;
    return false;
  }
  if (!is_json(type)) {
    refuse(rules::kGatewayRequestNotExamined,
           "The body is not declared as JSON, so its text cannot be examined.",
           "Send `Content-Type: application/json`.");
    refusal_->problem.status = 415;
    return false;
  }
  if (framing.content_length.value_or(0) > kMaxRequestBody) {
    refuse(rules::kGatewayRequestTooLarge, "The body is larger than 16 MiB.");
    return false;
  }
  return true;
}

bool Exchange::take_body() {
  const http1::Framing& framing = head_.framing();
  if (framing.chunked()) return false;
  const std::size_t size = static_cast<std::size_t>(framing.content_length.value_or(0));
  if (client_.input().size() < head_.size() + size) return false;
  body_ = client_.input().substr(head_.size(), size);
  consumed_ = head_.size() + size;
  body_read_ = true;
  keep_alive_ = framing.keep_alive && !shared_.draining.load(std::memory_order_relaxed);
  record_.bytes_in = size;
  return true;
}

net::Task<bool> Exchange::read_body() {
  const http1::Framing& framing = head_.framing();
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
        refuse(why.status == 413 ? rules::kGatewayRequestTooLarge : rules::kGatewayRequestMalformed,
               std::string(why.message));
        co_return false;
      }
      if (step.state != http1::BodyState::need_more) continue;
      if (at > kMaxChunkedBytes) {
        refuse(rules::kGatewayRequestTooLarge,
               "The body's chunks are so small that their framing "
               "outweighs it.",
               "Send larger chunks, or a Content-Length.");
        co_return false;
      }
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
    client_.no_deadline();
    co_return take_body();
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

void Exchange::begin_document() {
  auto& free = state_.requests[shared_.routes.index_of(*match_.dialect)];
  if (free.empty()) {
    document_ = match_.dialect->make_request(match_.route->operation);
  } else {
    document_ = std::move(free.back());
    free.pop_back();
  }
}

bool Exchange::large() const noexcept {
  return body_.size() > kPoolBody || run_.placement(body_.size()) == Placement::pool;
}

bool Exchange::judge_small_request() {
  if (const auto read = document_->read(body_); !read) {
    refuse(malformed(info_, read.error()));
    return false;
  }
  return find_model() &&
         accept_decision(run_.on_request(document_->segments(), state_.loop.scratch()));
}

net::Task<bool> Exchange::judge_large_request() {
  Result<void> read = Result<void>();
  Result<Decision> decision = Decision::allow();
  bool ran =
      co_await shared_.workers.run(state_.loop, [&](Scratch&) { read = document_->read(body_); });
  if (ran && !read) {
    refuse(malformed(info_, read.error()));
    co_return false;
  }
  if (ran) {
    if (!find_model()) co_return false;
    ran = co_await shared_.workers.run(state_.loop, [&](Scratch& scratch) {
      decision = run_.on_request(document_->segments(), scratch);
    });
  }
  if (!ran) {
    // Nothing was examined: the same as a control that failed.
    record_.error = "the worker pool is full";
    refuse(failed_closed(info_, kGateway));
    co_return false;
  }
  co_return accept_decision(decision);
}

bool Exchange::accept_decision(const Result<Decision>& decision) {
  if (!allows(decision)) return false;
  record_.decision = decision->kind();
  if (!run_.request_edits().empty()) {
    auto edited = document_->apply(run_.request_edits());
    if (!edited) {
      record_.error = edited.error().message;
      refuse(failed_closed(info_, kGateway));
      return false;
    }
    edited_body_ = std::move(edited).value();
    body_ = edited_body_;
  }
  return true;
}

net::Task<bool> Exchange::open_evidence() {
  Event begin(Sourcetype::model_api_logs, info_.started.wall);
  exchange_event(info_, record_, run_, state_.loop.now(), begin);
  Result<void> kept = internal_error("the worker pool is full");
  const bool ran = co_await shared_.workers.run(
      state_.loop, [&](Scratch&) { kept = shared_.events.begin(begin); });
  if (ran && kept) co_return true;
  record_.error = kept.error().message;
  refuse(failed_closed(info_, "monitoring.evidence"));
  co_return false;
}

}  // namespace davy::gateway
