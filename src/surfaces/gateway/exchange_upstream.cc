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

bool Exchange::write_upstream_head(const UpstreamUrl& url, std::string& out) {
  const std::string target = url.base_path + std::string(match_.route->upstream_path);
  auto head = http1::HeadWriter::request(out, head_.method(), target);
  head.field("Host", url.authority());
  head_.fields().each_end_to_end([&](http1::FieldView field) {
    if (!stays_here(field.name)) head.field(field.name, field.value);
  });
  head.field("Content-Type", "application/json").field("Accept-Encoding", "identity");
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

net::Task<bool> Exchange::call_upstream() {
  record_.upstream_start = state_.loop.now().steady;
  client_watch_.set(kClientWatch);
  std::string head;
  head.reserve(kUsualHead);
  bool sent = false;
  for (const UpstreamUrl& url : info_.model->upstreams) {
    // Twice: a connection from the pool may have been ended by the other side just now.
    for (int attempt = 0; attempt < 2 && !sent; ++attempt) {
      upstream_.reset();
      auto lease = co_await state_.upstreams.acquire(url, kConnectTime, attempt == 0);
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
      std::string_view unsent_head = head;
      std::string_view unsent_body = body_;
      net::Io io = net::Io::ok;
      if (!upstream_->write_now(unsent_head, unsent_body)) {
        io = co_await upstream_->write(unsent_head, unsent_body);
      }
      wipe(head.data(), head.size());
      sent = io == net::Io::ok;
      if (!sent && client_left_) co_return false;
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

  if (state_.parsers.empty()) {
    answer_parser_ = std::make_unique<http1::ResponseParser>();
  } else {
    answer_parser_ = std::move(state_.parsers.back());
    state_.parsers.pop_back();
    answer_parser_->reset();
  }
  for (;;) {
    const http1::Progress progress = answer_parser_->parse(upstream_->input());
    if (progress == http1::Progress::complete) {
      if (answer_parser_->head().status() == 101) {
        record_.error = "the upstream switched protocols, which nobody asked for";
        record_.end = Outcome::End::upstream_gone;
        refuse(upstream_failed(info_, false, "The model's answer is not well-formed HTTP."));
        co_return false;
      }
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
      if (client_left_) co_return false;
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

}  // namespace davy::gateway
