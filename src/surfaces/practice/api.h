// The practice API's bodies: what came in, and what goes out. No sockets here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "surfaces/practice/brain.h"
#include "surfaces/practice/fraud.h"

namespace davy::practice {

struct ChatRequest {
  std::string model;
  std::vector<Message> messages;
  bool stream = false;
  bool include_usage = false;    // stream_options.include_usage
  std::uint64_t max_tokens = 0;  // 0 = as many as it takes
  std::uint32_t choices = 1;     // n, 1 to kMaxChoices
};
inline constexpr std::uint32_t kMaxChoices = 8;

// An error in the form that OpenAI's clients read.
struct ApiError {
  int status = 400;
  std::string message;
  std::string code;   // "" = null
  std::string param;  // "" = null
};

struct EmbeddingRequest {
  std::string model;
  std::vector<std::string> texts;
  std::uint32_t dimensions = 64;  // 1 to kMaxDimensions
  bool base64 = false;            // encoding_format; else numbers
};
inline constexpr std::uint32_t kMaxDimensions = 4096;

// Unknown members are ignored, as the API that is imitated does.
[[nodiscard]] std::variant<ChatRequest, ApiError> read_chat(std::string_view body);
// The same of POST /v1/responses: instructions and items become messages.
[[nodiscard]] std::variant<ChatRequest, ApiError> read_response(std::string_view body);
[[nodiscard]] std::variant<EmbeddingRequest, ApiError> read_embedding(std::string_view body);
// Features stand in the object itself or in its member "features".
[[nodiscard]] std::variant<FraudFeatures, ApiError> read_features(std::string_view body);

[[nodiscard]] std::string error_body(const ApiError& error);
[[nodiscard]] std::string models_body();
[[nodiscard]] std::string score_body(double score);
[[nodiscard]] std::string embedding_body(const EmbeddingRequest& request);

// One answer, told whole or as events.
class ChatAnswer {
 public:
  // `number` makes the id.
  ChatAnswer(const ChatRequest& request, std::uint64_t number, WallTime now);

  [[nodiscard]] std::string whole() const;
  // Server-sent events in order, each "data: …\n\n": the roles, the text piece by piece,
  // the reasons why it ended, the usage where it was asked for, and [DONE].
  [[nodiscard]] std::vector<std::string> events() const;

 private:
  [[nodiscard]] std::string chunk(std::string_view choices, bool with_usage) const;
  [[nodiscard]] std::string usage() const;

  const ChatRequest& request_;
  std::string id_;
  std::int64_t created_;  // seconds since 1970
  std::string text_;
  std::string_view finish_reason_;
  std::uint64_t tokens_in_ = 0;
  std::uint64_t tokens_out_ = 0;
};

// The answer to read_response().
class ResponseAnswer {
 public:
  ResponseAnswer(const ChatRequest& request, std::uint64_t number, WallTime now);

  [[nodiscard]] std::string whole() const;
  // As OpenAI's: each text in deltas, then with its part, its item and the whole response.
  [[nodiscard]] std::vector<std::string> events() const;

 private:
  [[nodiscard]] std::string response(std::string_view status, std::string_view output) const;
  [[nodiscard]] std::string part(std::string_view text) const;
  [[nodiscard]] std::string item() const;

  const ChatRequest& request_;
  std::uint64_t number_;
  std::int64_t created_;  // seconds since 1970
  std::string text_;
  bool cut_short_ = false;
  std::uint64_t tokens_in_ = 0;
};

}  // namespace davy::practice
