#include "mechanisms/dialects/openai.h"

#include <array>

#include "mechanisms/dialects/json_stream.h"
#include "mechanisms/dialects/openai_answer.h"
#include "mechanisms/dialects/openai_request.h"
#include "mechanisms/dialects/problem.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

enum Operation : std::uint8_t { kChat, kOperations };

constexpr std::array kRoutes = {
    Route{"POST", "/v1/chat/completions", "/chat/completions", kChat},
    Route{"POST", "/openai/v1/chat/completions", "/chat/completions", kChat},
    Route{"POST", "/openai/deployments/{model}/chat/completions", "/chat/completions", kChat,
          Reading::documents, Names::path},
    Route{"GET", "/v1/models", {}, 0, Reading::catalogue},
    Route{"GET", "/v1/models/{model}", {}, 0, Reading::catalogue, Names::path},
    Route{"GET", "/v1/realtime", "/realtime", 0, Reading::opaque, Names::query},
};
constexpr std::array kModelRoutes = {
    Route{"POST", "/v1/chat/completions", "/chat/completions", kChat},
    Route{"POST", "/chat/completions", "/chat/completions", kChat},
};

void add_error(std::string& out, const Problem& problem, const Shown& shown) {
  out += "\"error\":{\"message\":";
  json::append_quoted(out, shown.message);
  out += ",\"type\":";
  json::append_quoted(out, error_type(problem.status));
  out += ",\"param\":null,\"code\":";
  if (shown.code.empty()) {
    out += "null";
  } else {
    json::append_quoted(out, shown.code);
  }
  out += '}';
}

class OpenAi final : public Dialect {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "openai"; }
  [[nodiscard]] std::span<const Route> routes() const noexcept override { return kRoutes; }

  [[nodiscard]] std::span<const Route> model_routes() const noexcept override {
    return kModelRoutes;
  }
  // Azure OpenAI's.
  [[nodiscard]] bool plain_parameter(std::string_view name) const noexcept override {
    return name == "api-version";
  }

  [[nodiscard]] std::size_t operations() const noexcept override { return kOperations; }
  [[nodiscard]] std::unique_ptr<RequestDocument> make_request(std::uint8_t) const override {
    return std::make_unique<OpenAiRequest>();
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer(std::uint8_t) const override {
    return std::make_unique<OpenAiAnswer>();
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream(std::uint8_t) const override {
    return std::make_unique<JsonStream>(std::make_unique<OpenAiWalker>("delta"));
  }

  [[nodiscard]] std::string catalogue(std::span<const std::string_view> models,
                                      bool only) const override {
    const auto add_model = [](std::string& out, std::string_view name) {
      out += "{\"id\":";
      json::append_quoted(out, name);
      out += ",\"object\":\"model\",\"created\":0,\"owned_by\":\"davylamp\"}";
    };
    std::string out;
    if (only && !models.empty()) {
      add_model(out, models.front());
      return out;
    }
    out = "{\"object\":\"list\",\"data\":[";
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (i > 0) out += ',';
      add_model(out, models[i]);
    }
    out += "]}";
    return out;
  }

  [[nodiscard]] std::string error_body(const Problem& problem, Detail detail) const override {
    const Shown what = shown(problem, detail);
    std::string out = begin_problem(problem, what, detail);
    out += ',';
    add_error(out, problem, what);
    out += '}';
    return out;
  }

  [[nodiscard]] std::string stream_error(std::uint8_t, const Problem& problem,
                                         Detail detail) const override {
    std::string out;
    append_event(out, error_body(problem, detail));
    return out;
  }
};

}  // namespace

const Dialect& openai() noexcept {
  static const OpenAi dialect;
  return dialect;
}

}  // namespace davy::dialects
