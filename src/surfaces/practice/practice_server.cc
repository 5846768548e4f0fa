#include "surfaces/practice/practice_server.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "surfaces/practice/api.h"

namespace davy::practice {
namespace {

using net::HttpResponse;
using net::Io;
using net::Task;

HttpResponse as_json(std::string body, int status = 200) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

HttpResponse as_error(const ApiError& error) { return as_json(error_body(error), error.status); }

HttpResponse unknown_url(const http1::RequestHead& head) {
  return as_error({404,
                   fmt::format("There is no {} {} here; there are POST /v1/chat/completions, "
                               "/v1/responses, /v1/embeddings and /predict, GET /v1/models and "
                               "/calls.",
                               printable(head.method(), 40), printable(head.path())),
                   "unknown_url", ""});
}

Task<void> wait(net::Loop& loop, std::chrono::milliseconds time) {
  namespace asio = net::asio;
  using Clock = std::chrono::steady_clock;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, net::Executor> timer(loop.executor());
  timer.expires_after(time);
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(net::kAwait, error));
}

}  // namespace

net::Serve PracticeServer::serve() {
  net::HttpServerLimits limits;
  limits.body_bytes = kMaxBody;
  return net::http_serve([this](const net::HttpRequest& request,
                                net::Responder& responder) { return handle(request, responder); },
                         limits);
}

Task<void> PracticeServer::handle(const net::HttpRequest& request, net::Responder& responder) {
  const std::string_view method = request.head.method();
  const std::string_view path = request.head.path();
  if (method == "POST" && path == "/v1/chat/completions") {
    co_await chat(request, responder);
    co_return;
  }
  if (method == "POST" && path == "/v1/responses") {
    co_await respond(request, responder);
    co_return;
  }
  HttpResponse response;
  if (method == "POST" && path == "/predict") {
    response = predict(request.body);
  } else if (method == "POST" && path == "/v1/embeddings") {
    response = embed(request.body);
  } else if (method == "GET" && path == "/v1/models") {
    response = as_json(models_body());
  } else if (method == "GET" && path == "/calls") {
    response = calls();
  } else {
    response = unknown_url(request.head);
  }
  (void)co_await responder.send(response);
}

Task<void> PracticeServer::chat(const net::HttpRequest& request, net::Responder& responder) {
  const std::uint64_t number = ++chat_calls_;
  const auto read = read_chat(request.body);
  if (const auto* error = std::get_if<ApiError>(&read)) {
    (void)co_await responder.send(as_error(*error));
    co_return;
  }
  const auto& question = std::get<ChatRequest>(read);
  const ChatAnswer answer(question, number, responder.loop().now().wall);
  if (question.stream) {
    co_await stream(answer.events(), responder);
  } else {
    (void)co_await responder.send(as_json(answer.whole()));
  }
}

Task<void> PracticeServer::respond(const net::HttpRequest& request, net::Responder& responder) {
  const std::uint64_t number = ++response_calls_;
  const auto read = read_response(request.body);
  if (const auto* error = std::get_if<ApiError>(&read)) {
    (void)co_await responder.send(as_error(*error));
    co_return;
  }
  const auto& question = std::get<ChatRequest>(read);
  const ResponseAnswer answer(question, number, responder.loop().now().wall);
  if (question.stream) {
    co_await stream(answer.events(), responder);
  } else {
    (void)co_await responder.send(as_json(answer.whole()));
  }
}

Task<void> PracticeServer::stream(const std::vector<std::string>& events,
                                  net::Responder& responder) {
  const Io begun = co_await responder.begin_stream("text/event-stream");
  if (begun != Io::ok) co_return;
  bool first = true;
  for (const std::string& event : events) {
    if (!first && pause_.count() > 0) co_await wait(responder.loop(), pause_);
    first = false;
    const Io io = co_await responder.chunk(event);
    if (io != Io::ok) co_return;  // the caller hung up
  }
  (void)co_await responder.end_stream();
}

HttpResponse PracticeServer::predict(std::string_view body) {
  ++predict_calls_;
  const auto read = read_features(body);
  if (const auto* error = std::get_if<ApiError>(&read)) return as_error(*error);
  return as_json(score_body(fraud_score(std::get<FraudFeatures>(read))));
}

HttpResponse PracticeServer::embed(std::string_view body) {
  ++embedding_calls_;
  const auto read = read_embedding(body);
  if (const auto* error = std::get_if<ApiError>(&read)) return as_error(*error);
  return as_json(embedding_body(std::get<EmbeddingRequest>(read)));
}

HttpResponse PracticeServer::calls() const {
  return as_json(fmt::format(R"({{"chat":{},"predict":{},"responses":{},"embeddings":{}}})",
                             chat_calls_.load(), predict_calls_.load(), response_calls_.load(),
                             embedding_calls_.load()));
}

}  // namespace davy::practice
