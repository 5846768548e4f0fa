#include "surfaces/gateway/tunnel.h"

#include "mechanisms/net/http1/write.h"
#include "surfaces/gateway/fields.h"
#include "surfaces/gateway/limits.h"

namespace davy::gateway {

Tunnel::Tunnel(Exchange& exchange)
    : x_(exchange),
      client_(exchange.client_),
      upstream_(*exchange.upstream_),
      upward_done_(exchange.state_.loop) {}

net::Task<bool> Tunnel::open() {
  http1::ResponseHead& answer = x_.answer_parser_->head();
  x_.record_.status = answer.status();
  auto& fields = x_.state_.fields;
  fields.clear();
  for (const http1::FieldView field : answer.fields()) fields.push_back({field.name, field.value});
  if (!x_.allows(x_.run_.on_answer_head(AnswerHead{answer.status(), true, fields},
                                        x_.state_.loop.scratch()))) {
    co_return false;
  }
  std::string out;
  auto head = http1::HeadWriter::response(out, answer.status(), answer.reason());
  answer.fields().each_end_to_end([&](http1::FieldView field) {
    if (!speaks_for_us(field.name)) head.field(field.name, field.value);
  });
  head.field("Connection", "Upgrade").field("Upgrade", "websocket");
  head.field("davy-request-id", x_.info_.request_id);
  const bool written = head.finish().ok();
  upstream_.consume(answer.size());
  if (!written) {
    x_.refuse(upstream_failed(x_.info_, false, "The model's answer is not well-formed HTTP."));
    co_return false;
  }
  x_.answer_begun_ = true;
  x_.keep_alive_ = false;
  client_.watch(nullptr, nullptr);
  client_.consume(x_.consumed_);
  x_.consumed_ = 0;
  client_.deadline_in(x_.limits_.write_timeout);
  const net::Io io = co_await client_.write(out);
  if (io != net::Io::ok) {
    x_.record_.end = Outcome::End::client_gone;
    co_return false;
  }
  x_.record_.first_byte = x_.state_.loop.steady();
  co_return true;
}

net::Task<bool> Tunnel::run() {
  const bool opened = co_await open();
  if (!opened) co_return false;
  x_.state_.loop.spawn(to_upstream());
  co_await forward(upstream_, client_, x_.record_.bytes_out);
  co_await upward_done_.wait();
  x_.record_.upstream_end = x_.state_.loop.steady();
  if (!x_.refusal_) co_return true;
  x_.record_.decision = Decision::Kind::deny;
  x_.record_.denied_by = x_.refusal_->problem.rule;
  x_.record_.stage_of_denial = x_.refusal_->stage;
  x_.record_.end = Outcome::End::denied;
  co_return false;
}

net::Task<void> Tunnel::to_upstream() {
  // Also when the way ends by an exception: run() waits for it.
  struct Done {
    net::Latch& latch;
    ~Done() { latch.open(); }
  } const done{upward_done_};
  co_await forward(client_, upstream_, x_.record_.bytes_in);
}

net::Task<void> Tunnel::forward(net::Connection& from, net::Connection& to, std::uint64_t& bytes) {
  for (;;) {
    // Either direction keeps both alive.
    from.deadline_in(x_.within(x_.info_.model->times.pause));
    to.deadline_in(x_.within(x_.info_.model->times.pause));
    const std::string_view data = from.input();
    if (!data.empty()) {
      if (x_.refusal_ || !x_.allows(x_.run_.check_control())) break;
      const net::Io sent = co_await to.write(data);
      if (sent != net::Io::ok) break;
      bytes += data.size();
      x_.record_.bytes_not_examined += data.size();
      from.consume(data.size());
    }
    net::Io io = net::Io::timed_out;
    if (!x_.over_time()) io = co_await from.read_more();
    if (io == net::Io::ok) continue;
    if (io == net::Io::closed) {
      to.shut_down_writing();
      co_return;
    }
    break;
  }
  from.abort();
  to.abort();
}

}  // namespace davy::gateway
