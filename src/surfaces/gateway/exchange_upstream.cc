// The upstream's side of an exchange, up to the head of its answer.
#include <algorithm>
#include <array>

#include "base/secret.h"
#include "base/strings.h"
#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/exchange.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {
namespace {

constexpr std::size_t kUsualHead = 1024;

// Fields of a request that do not go on: they are addressed to us, are written anew by
// us, claim what only we can know (addresses, who is billed), or may be read as another
// field by a server that takes "_" for "-".
bool stays_here(std::string_view field) {
  static constexpr std::array<std::string_view, 12> kNames{
      "authorization",   "x-api-key",           "api-key",          "cookie",
      "accept-encoding", "content-type",        "content-encoding", "forwarded",
      "x-real-ip",       "openai-organization", "openai-project",   "x-http-method-override"};
  constexpr std::string_view kForwarded = "x-forwarded-";
  if (field.find('_') != std::string_view::npos) return true;
  if (equal_ignoring_case(field.substr(0, kForwarded.size()), kForwarded)) return true;
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view name) { return equal_ignoring_case(field, name); });
}

}  // namespace

std::string Exchange::upstream_target(const Upstream& upstream) const {
  const std::string_view fixed = match_.route->upstream_path;
  std::string_view below = fixed.empty() ? match_.below_base(head_.path()) : fixed;
  if (fixed == dialects::kNothing) below = {};
  std::string target = upstream.target(below);
  if (target.empty()) target = "/";
  // Azure's query is the configuration's alone.
  if (!head_.query().empty() && !upstream.azure) target.append("?").append(head_.query());
  return target;
}

bool Exchange::switched() const noexcept {
  return upgrade_ && answer_parser_->head().status() == 101;
}

bool Exchange::write_upstream_head(const Upstream& upstream, std::string& out) {
  auto head = http1::HeadWriter::request(out, head_.method(), upstream_target(upstream));
  head.field("Host", upstream.url.host_field());
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
  if (upgrade_) {
    head.field("Connection", "Upgrade").field("Upgrade", "websocket");
  } else if (!body_.empty() || head_.framing().content_length || head_.framing().chunked()) {
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
  append_wiping(out, "\r\n");
  return true;
}

void Exchange::watch_client(void* exchange) noexcept {
  auto& self = *static_cast<Exchange*>(exchange);
  // Bytes beyond this request are the next one: whoever sent them may have ended its
  // side, and is answered.
  const bool pipelined = self.client_.input().size() > self.consumed_;
  if (self.upstream_ != nullptr && !pipelined && self.client_.peer_ended()) {
    self.client_left_ = true;
    self.record_.end = Outcome::End::client_gone;
    self.upstream_->abort();
    return;
  }
  self.client_watch_.set(kClientWatch);
}

void Exchange::use(std::unique_ptr<net::Connection> connection, const Upstream& upstream,
                   bool reused) {
  upstream_ = std::move(connection);
  upstream_asked_ = &upstream;
  upstream_reused_ = reused;
  record_.upstream_called = true;
  upstream_->deadline_in(kAnswerTime);
  if (!answer_parser_ && !state_.parsers.empty()) {
    answer_parser_ = std::move(state_.parsers.back());
    state_.parsers.pop_back();
  }
  if (!answer_parser_) answer_parser_ = std::make_unique<http1::ResponseParser>();
  answer_parser_->reset(head_.method() == "HEAD");
}

bool Exchange::send_at_once() {
  record_.upstream_start = state_.loop.now().steady;
  client_watch_.set(kClientWatch);
  const auto& upstreams = info_.model->upstreams;
  if (upstreams.empty() || body_.size() > net::Connection::kSmallOutput) return false;
  auto connection = state_.upstreams.take_idle(upstreams.front().url, *record_.upstream_start);
  if (connection == nullptr) return false;
  std::string& out = connection->outbox(true);
  if (!write_upstream_head(upstreams.front(), out)) return false;
  append_wiping(out, body_);
  connection->send_soon();
  use(std::move(connection), upstreams.front(), true);
  return true;
}

net::Task<bool> Exchange::send_request(bool reuse) {
  std::string head;
  head.reserve(kUsualHead);
  for (const Upstream& upstream : info_.model->upstreams) {
    // Twice: a connection from the pool may have been ended by the other side just now.
    for (bool again = true; again;) {
      upstream_.reset();
      std::unique_ptr<net::Connection> connection;
      if (reuse) connection = state_.upstreams.take_idle(upstream.url, state_.loop.now().steady);
      const bool reused = connection != nullptr;
      if (!reused) {
        auto made = co_await state_.upstreams.connect(upstream.url, kConnectTime);
        if (!made) {
          record_.error = made.error().message;
          break;
        }
        connection = std::move(made).value();
      }
      head.clear();
      if (!write_upstream_head(upstream, head)) co_return false;
      use(std::move(connection), upstream, reused);
      const net::Io io = co_await upstream_->write(head, body_);
      wipe(head.data(), head.size());
      if (io == net::Io::ok) co_return true;
      if (client_left_) co_return false;
      // Not all of the request was taken, so it cannot have been acted upon.
      again = reused;
      reuse = false;
    }
    reuse = true;
  }
  record_.end = Outcome::End::upstream_gone;
  refuse(upstream_failed(info_, false, "No upstream of the model accepts the request."));
  co_return false;
}

Exchange::AnswerHead Exchange::parse_answer_head() {
  constexpr std::string_view kMalformed = "The model's answer is not well-formed HTTP.";
  const auto ended = [this](std::string_view error) {
    record_.error = error;
    record_.end = Outcome::End::upstream_gone;
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
  record_.error =
      late ? "the upstream did not answer in time" : "the upstream ended the connection";
  record_.end = Outcome::End::upstream_gone;
  refuse(upstream_failed(info_, late, "The model ended the connection or gave no answer."));
}

}  // namespace davy::gateway
