// A small HTTP server for what is not the hot path: the admin listener and the practice
// model API. The gateway speaks to the codec itself.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mechanisms/net/connection.h"
#include "mechanisms/net/http1/head.h"
#include "mechanisms/net/listener.h"

namespace davy::net {

struct HttpRequest {
  const http1::RequestHead& head;
  std::string_view body;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

// Writes one answer. Exactly one of `send` or `begin_stream … end_stream` per request.
class Responder {
 public:
  Responder(Connection& connection, bool keep_alive, bool answers_head)
      : connection_(connection), keep_alive_(keep_alive), answers_head_(answers_head) {}

  [[nodiscard]] Task<Io> send(const HttpResponse& response);
  // Chunked, each chunk goes out at once.
  [[nodiscard]] Task<Io> begin_stream(std::string_view content_type);
  [[nodiscard]] Task<Io> chunk(std::string_view data);
  [[nodiscard]] Task<Io> end_stream();

  [[nodiscard]] bool answered() const noexcept { return answered_; }
  [[nodiscard]] Loop& loop() noexcept { return connection_.loop(); }

 private:
  Connection& connection_;
  bool keep_alive_;
  bool answers_head_;
  bool answered_ = false;
};

using HttpHandler = std::function<Task<void>(const HttpRequest& request, Responder& responder)>;

struct HttpServerLimits {
  std::size_t body_bytes = 1 << 20;
  std::chrono::seconds idle{60};
  std::chrono::seconds request{30};
  // While it is true each answer is its connection's last; null = never. Outlives the server.
  const std::atomic<bool>* closing = nullptr;
};

// What Listener::start takes: reads requests one after the other and calls `handler`.
// Malformed framing is answered as the codec says and the connection closed.
[[nodiscard]] Serve http_serve(HttpHandler handler, HttpServerLimits limits = {});

}  // namespace davy::net
