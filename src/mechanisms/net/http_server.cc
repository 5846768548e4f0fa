#include "mechanisms/net/http_server.h"

#include "mechanisms/net/http1/body.h"
#include "mechanisms/net/http1/parser.h"
#include "mechanisms/net/http1/write.h"

namespace davy::net {
namespace {

// A write to a client that reads nothing must end some time.
constexpr std::chrono::seconds kWriteTime{30};

Task<void> refuse(Connection& connection, const http1::RefusalInfo& why) {
  Responder responder(connection, false, false);
  HttpResponse response;
  response.status = why.status;
  response.body = std::string(why.message) + "\n";
  const Io io = co_await responder.send(response);
  if (io == Io::ok) connection.shut_down_writing();
}

// Reads the body that follows the head into `body`. False: the connection must end.
Task<bool> read_body(Connection& connection, const http1::Framing& framing,
                     const http1::Limits& limits, std::string& body) {
  http1::BodyDecoder decoder(framing, limits);
  for (;;) {
    const auto step = decoder.decode(connection.input());
    body.append(step.data);
    connection.consume(step.consumed);
    if (step.state == http1::BodyState::done) co_return true;
    if (step.state == http1::BodyState::refused) {
      co_await refuse(connection, http1::info(decoder.problem().refusal));
      co_return false;
    }
    if (step.state != http1::BodyState::need_more) continue;
    const Io io = co_await connection.read_more();
    if (io != Io::ok) co_return false;
  }
}

Task<void> serve(std::unique_ptr<Connection> connection, HttpHandler handler,
                 HttpServerLimits limits) {
  http1::Limits codec;
  codec.body_bytes = limits.body_bytes;
  http1::RequestParser parser(codec);
  std::string head_bytes;
  std::string body;
  for (;;) {
    connection->deadline_in(limits.idle);
    http1::Progress progress = parser.parse(connection->input());
    while (progress == http1::Progress::need_more) {
      const Io io = co_await connection->read_more();
      if (io != Io::ok) co_return;
      progress = parser.parse(connection->input());
    }
    if (progress == http1::Progress::refused) {
      co_await refuse(*connection, http1::info(parser.problem().refusal));
      co_return;
    }
    connection->deadline_in(limits.request);
    // The head must outlive the reads of the body.
    head_bytes.assign(connection->input().substr(0, parser.head().size()));
    connection->consume(parser.head().size());
    parser.head().rebase(head_bytes.data());
    const http1::RequestHead& head = parser.head();
    if (head.framing().expect_continue) {
      const Io io = co_await connection->write("HTTP/1.1 100 Continue\r\n\r\n");
      if (io != Io::ok) co_return;
    }
    body.clear();
    const bool whole = co_await read_body(*connection, head.framing(), codec, body);
    if (!whole) co_return;
    connection->no_deadline();
    const bool closing = limits.closing != nullptr && limits.closing->load();
    const bool keep_alive = head.framing().keep_alive && !closing;
    Responder responder(*connection, keep_alive, head.method() == "HEAD");
    co_await handler(HttpRequest{head, body}, responder);
    if (!responder.answered() || !keep_alive) co_return;
    parser.reset();
    connection->shrink();
  }
}

}  // namespace

Serve http_serve(HttpHandler handler, HttpServerLimits limits) {
  return [handler = std::move(handler), limits](std::unique_ptr<Connection> connection) {
    return serve(std::move(connection), handler, limits);
  };
}

Task<Io> Responder::send(const HttpResponse& response) {
  std::string out;
  auto head = http1::HeadWriter::response(out, response.status);
  head.field("Content-Type", response.content_type);
  for (const auto& [name, value] : response.fields) head.field(name, value);
  if (!keep_alive_) head.field("Connection", "close");
  head.content_length(response.body.size());
  if (!head.finish()) co_return Io::failed;
  if (!answers_head_) out += response.body;
  answered_ = true;
  connection_.deadline_in(kWriteTime);
  const Io io = co_await connection_.write(out);
  connection_.no_deadline();
  co_return io;
}

Task<Io> Responder::begin_stream(std::string_view content_type) {
  std::string out;
  auto head = http1::HeadWriter::response(out, 200);
  head.field("Content-Type", content_type).field("Cache-Control", "no-cache");
  if (!keep_alive_) head.field("Connection", "close");
  head.chunked();
  if (!head.finish()) co_return Io::failed;
  connection_.deadline_in(kWriteTime);
  co_return co_await connection_.write(out);
}

Task<Io> Responder::chunk(std::string_view data) {
  std::string out;
  http1::append_chunk(out, data);
  connection_.deadline_in(kWriteTime);
  co_return co_await connection_.write(out);
}

Task<Io> Responder::end_stream() {
  answered_ = true;
  connection_.deadline_in(kWriteTime);
  const Io io = co_await connection_.write(http1::kLastChunk);
  connection_.no_deadline();
  co_return io;
}

}  // namespace davy::net
