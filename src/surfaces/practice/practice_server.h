// The practice API as a handler of the small HTTP server.
//
//   POST /v1/chat/completions   chat, whole or as a stream
//   POST /v1/responses          the same as a response
//   POST /v1/embeddings         vectors (embedding.h)
//   GET  /v1/models             one model; any name is served
//   POST /predict               a fraud score (fraud.h)
//   GET  /calls                 {"chat":N,"predict":N,"responses":N,"embeddings":N}: requests
//                               that came, good or bad
//
// It asks for no key, keeps nothing, and logs nothing of what it is told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "mechanisms/net/http_server.h"

namespace davy::practice {

// Thread-safe; must outlive the listener that it serves.
class PracticeServer {
 public:
  static constexpr std::size_t kMaxBody = 16 << 20;

  // `pause` passes before each piece of a streamed answer.
  explicit PracticeServer(std::chrono::milliseconds pause) : pause_(pause) {}

  [[nodiscard]] net::Serve serve();

 private:
  [[nodiscard]] net::Task<void> handle(const net::HttpRequest& request, net::Responder& responder);
  [[nodiscard]] net::Task<void> chat(const net::HttpRequest& request, net::Responder& responder);
  [[nodiscard]] net::Task<void> respond(const net::HttpRequest& request, net::Responder& responder);
  [[nodiscard]] net::Task<void> stream(const std::vector<std::string>& events,
                                       net::Responder& responder);
  [[nodiscard]] net::HttpResponse predict(std::string_view body);
  [[nodiscard]] net::HttpResponse embed(std::string_view body);
  [[nodiscard]] net::HttpResponse calls() const;

  std::chrono::milliseconds pause_;
  std::atomic<std::uint64_t> chat_calls_{0};
  std::atomic<std::uint64_t> predict_calls_{0};
  std::atomic<std::uint64_t> response_calls_{0};
  std::atomic<std::uint64_t> embedding_calls_{0};
};

}  // namespace davy::practice
