// The request's side of an exchange: its body, its model, what the stages say of it.
#include <algorithm>

#include "base/strings.h"
#include "generated/rules.h"
#include "mechanisms/net/http1/path.h"
#include "surfaces/gateway/exchange.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {
namespace {

using dialects::Names;
using dialects::Reading;

// What an event holds of the name that a caller gives; no model has a longer one.
constexpr std::size_t kMaxModelName = 256;

// A larger body is parsed and judged in the pool whatever the stages cost.
constexpr std::size_t kPoolBody = 64 * 1024;

// An identifier, a number, a version: no text that a model would follow.
bool is_plain_word(std::string_view word) {
  constexpr std::size_t kMaxWord = 64;
  return word.size() <= kMaxWord && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-' || c == ':' || c == '~';
         });
}

// Also where a program that decodes names, or compares them without case, takes it for that.
bool reads_as_model(std::string_view name) {
  return name.find_first_of("%+;") != std::string_view::npos ||
         equal_ignoring_case(name.substr(0, name.find('[')), kModelParameter);
}

bool is_json(std::string_view content_type) {
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return equal_ignoring_case(type, "application/json");
}

std::string too_large(const Limits& limits) {
  return "The body is larger than the " + shown_bytes(limits.request_body) +
         " that limits.request_body allows.";
}

}  // namespace

void Exchange::body_missing(net::Io io) {
  record_.end = Outcome::End::client_gone;
  if (io != net::Io::timed_out) return;
  if (over_time()) {
    record_.error = "the exchange took longer than limits.total_timeout";
    refuse(out_of_time(info_, limits_.total_timeout));
    return;
  }
  record_.error = "body_too_slow";
  refuse(rules::kGatewayRequestMalformed,
         "The request's body took longer than limits.body_timeout allows.",
         "Send it faster; the operator can raise limits.body_timeout.");
  refusal_->problem.status = 408;
  refusal_->problem.code = record_.error;
}

bool Exchange::admit_body() {
  const http1::Framing& framing = head_.framing();
  const auto& fields = head_.fields();
  if (fields.count("content-encoding") > 1 || fields.count("content-type") > 1) {
    refuse(rules::kGatewayRequestMalformed,
           "Content-Type or Content-Encoding stands twice, so two programs may read the body in "
           "two ways.",
           "Send each once.");
    return false;
  }
  if (!admit_target()) return false;
  if (framing.content_length.value_or(0) > limits_.request_body) {
    refuse(rules::kGatewayRequestTooLarge, too_large(limits_));
    return false;
  }
  const bool named = match_.route->names != Names::body || !match_.model.empty();
  upgrade_ = named && framing.upgrade && head_.method() == "GET" &&
             equal_ignoring_case(fields.find("upgrade").value_or(""), "websocket");
  if (upgrade_ && !framing.no_body()) {
    // The other side reads no body there, so it would take this one for a request.
    refuse(rules::kGatewayRequestMalformed, "A request for a WebSocket has a body.",
           "Send it without one.");
    return false;
  }
  if (upgrade_) {
    reading_ = Reading::opaque;
    hidden_why_ = "A WebSocket carries frames that no rule reads.";
  } else if (framing.no_body()) {
    if (named && reading_ == Reading::documents) reading_ = Reading::none;
  } else if (reading_ == Reading::none) {
    reading_ = Reading::opaque;
  }
  if (reading_ != Reading::documents) return true;

  const std::string_view encoding = trim(fields.find("content-encoding").value_or("identity"));
  if (!equal_ignoring_case(encoding, "identity")) {
    hidden_why_ = "The body has a Content-Encoding, so its text cannot be examined.";
  } else if (!is_json(fields.find("content-type").value_or(""))) {
    hidden_why_ =
        "The body is not declared as JSON (`Content-Type: application/json`), so its text cannot "
        "be examined.";
  } else {
    return true;
  }
  // An API whose bodies name the model: what is hidden may name another one than the path
  // does, and the upstream would follow it.
  const bool may_name = match_.route->names == Names::body || !match_.route->upstream_path.empty();
  if (named && !may_name) {
    reading_ = Reading::opaque;
    return true;
  }
  refuse(rules::kGatewayRequestNotExamined, std::string(hidden_why_));
  refusal_->problem.status = 415;
  return false;
}

bool Exchange::admit_target() {
  if (!match_.listed) {
    refuse(rules::kGatewayRouteUnknown, "The model does not serve this path.",
           "Use another path; the operator can add it to `paths` of the model.");
    return false;
  }
  const dialects::Route& route = *match_.route;
  std::string_view rest = match_.below_base(head_.path());
  if (route.upstream_path.empty() && reading_ != Reading::catalogue && !rest.empty()) {
    if (!http1::is_clean_path(rest)) {
      refuse(rules::kGatewayRequestMalformed,
             "The path can be read in two ways: it has empty or dot segments, or escapes for "
             "what no name holds.",
             "Write the path out.");
      return false;
    }
    for (std::size_t at = 0; !rest.empty(); rest.remove_prefix(at)) {
      rest.remove_prefix(1);
      at = std::min(rest.find('/'), rest.size());
      const std::string_view segment = rest.substr(0, at);
      if (!segment.empty() && !is_plain_word(segment)) hidden_target_ += segment.size();
    }
  }
  return head_.query().empty() || admit_query();
}

bool Exchange::admit_query() {
  const bool by_query = match_.route->names == Names::query;
  bool named = false;
  std::string_view rest = head_.query();
  while (!rest.empty()) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(std::min(equals + 1, part.size()));
    if (by_query && reads_as_model(name)) {
      if (named || name != kModelParameter) {
        refuse(rules::kGatewayRequestMalformed,
               "The query names the model twice, or in a way that two programs may read in two "
               "ways.",
               "Write `model=NAME` once.");
        return false;
      }
      named = true;
      match_.model = http1::decode_segment(value).value_or("");
    } else if (!match_.dialect->plain_parameter(name) || !is_plain_word(value)) {
      hidden_target_ += part.size();
    }
  }
  if (hidden_target_ == 0) return true;
  if (match_.route->names == Names::body && match_.model.empty()) {
    refuse(rules::kGatewayRequestMalformed,
           "This path takes no such query: what stands there would reach the model unexamined.",
           "Send everything in the body.");
    return false;
  }
  hidden_why_ = "The query holds text that no rule reads.";
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
  if (framing.expect_continue) {
    client_.deadline_in(within(limits_.write_timeout));
    const net::Io io = co_await client_.write("HTTP/1.1 100 Continue\r\n\r\n");
    if (io != net::Io::ok) {
      record_.end = Outcome::End::client_gone;
      co_return false;
    }
  }
  client_.read_deadline_in(within(limits_.body_timeout));

  const std::size_t head_size = head_.size();
  if (framing.chunked()) {
    http1::Limits limits;
    limits.body_bytes = limits_.request_body;
    http1::BodyDecoder decoder(framing, limits);
    std::size_t at = head_size;
    for (;;) {
      const http1::BodyStep step = decoder.decode(client_.input().substr(at));
      body_storage_.append(step.data);
      at += step.consumed;
      if (step.state == http1::BodyState::done) break;
      if (step.state == http1::BodyState::refused) {
        const http1::Refusal refusal = decoder.problem().refusal;
        const http1::RefusalInfo& why = http1::info(refusal);
        refuse(why.status == 413 ? rules::kGatewayRequestTooLarge : rules::kGatewayRequestMalformed,
               refusal == http1::Refusal::body_too_large ? too_large(limits_)
                                                         : std::string(why.message));
        co_return false;
      }
      if (step.state != http1::BodyState::need_more) continue;
      if (at > most_chunked_bytes(limits_)) {
        refuse(rules::kGatewayRequestTooLarge,
               "The body's chunks are so small that their framing "
               "outweighs it.",
               "Send larger chunks, or a Content-Length.");
        co_return false;
      }
      const net::Io io = co_await client_.read_more();
      head_.rebase(client_.input().data());
      if (io != net::Io::ok) {
        body_missing(io);
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
        body_missing(io);
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
  const bool in_body = match_.model.empty() && document_ != nullptr;
  const std::string_view name = in_body ? document_->model() : match_.model;
  record_.model = name.substr(0, kMaxModelName);
  info_.stream = document_ != nullptr && document_->stream();
  if (document_ != nullptr) call_id_ = document_->call_id();
  info_.model = name.size() <= kMaxModelName ? snapshot_->model(name) : nullptr;
  if (info_.model == nullptr || info_.model->dialect != dialect().name()) {
    info_.model = nullptr;
    refuse(rules::kGatewayModelUnknown,
           "No model of the name that the request gives is served on this path.");
    return false;
  }
  std::uint64_t hidden = hidden_target_;
  if (document_ != nullptr) hidden += document_->bytes_not_examined();
  if (reading_ == Reading::opaque) hidden += body_.size();
  record_.bytes_not_examined += run_.wants_request_text() ? hidden : body_.size() + hidden_target_;
  const bool must = run_.must_examine_request() || (upgrade_ && run_.must_examine_answer());
  if ((hidden > 0 || upgrade_) && must && info_.model->unexamined == Unexamined::deny) {
    refuse(rules::kGatewayRequestNotExamined,
           hidden_why_.empty()
               ? "The request holds what no rule can read: an image, audio, a file, tokens, or the "
                 "name of something that the provider keeps."
               : std::string(hidden_why_));
    return false;
  }
  return true;
}

bool Exchange::judge_unread_request() {
  return find_model() && accept_decision(run_.on_request({}, state_.loop.scratch()));
}

void Exchange::begin_document() {
  auto& free = state_.requests[shared_.routes.kind_of(match_)];
  if (free.empty()) {
    document_ = match_.dialect->make_request(match_.route->operation);
  } else {
    document_ = std::move(free.back());
    free.pop_back();
  }
  document_->named_elsewhere(!match_.model.empty());
}

bool Exchange::large() const noexcept {
  return body_.size() > kPoolBody || run_.placement(body_.size()) == Placement::pool;
}

Result<void> Exchange::read_document() {
  return run_.wants_request_text() ? document_->read(body_) : document_->read_account(body_);
}

bool Exchange::judge_small_request() {
  if (const auto read = read_document(); !read) {
    refuse(malformed(info_, read.error()));
    return false;
  }
  return find_model() &&
         accept_decision(run_.on_request(document_->segments(), state_.loop.scratch()));
}

net::Task<bool> Exchange::judge_large_request() {
  Result<void> read = Result<void>();
  Result<Decision> decision = Decision::allow();
  bool ran = co_await shared_.workers.run(state_.loop, [&](Scratch&) { read = read_document(); });
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
  asks_usage_ = document_ != nullptr && document_->lacks_usage();
  return true;
}

bool Exchange::write_body(std::string_view upstream_model) {
  if (document_ == nullptr) return true;
  // Each upstream may know the model by another name.
  if (!original_body_) original_body_ = body_;
  body_ = *original_body_;
  dialects::Rewrite rewrite;
  rewrite.ask_for_usage = asks_usage_;
  rewrite.model = upstream_model;
  // What the path or the host says counts: the upstream must not follow another name.
  if (rewrite.model.empty() && !match_.model.empty() && document_->model() != match_.model) {
    rewrite.model = match_.model;
  }
  if (run_.request_edits().empty() && rewrite.model.empty() && !rewrite.ask_for_usage) return true;
  auto edited = document_->apply(run_.request_edits(), rewrite);
  if (!edited) {
    record_.error = edited.error().message;
    refuse(failed_closed(info_, kGateway));
    return false;
  }
  edited_body_ = std::move(edited).value();
  body_ = edited_body_;
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
