#include "mechanisms/dialects/anthropic.h"

#include <array>

#include "mechanisms/dialects/anthropic_answer.h"
#include "mechanisms/dialects/anthropic_request.h"
#include "mechanisms/dialects/json_stream.h"
#include "mechanisms/dialects/problem.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

// count_tokens takes a request of the same shape and tells no usage.
enum Operation : std::uint8_t { kMessages, kOperations };

constexpr std::array kRoutes = {
    Route{"POST", "/anthropic/v1/messages", "/v1/messages", kMessages},
    Route{"POST", "/anthropic/v1/messages/count_tokens", "/v1/messages/count_tokens", kMessages},
    Route{"GET", "/anthropic/v1/models", {}, 0, Reading::catalogue},
    Route{"GET", "/anthropic/v1/models/{model}", {}, 0, Reading::catalogue, Names::path},
};
constexpr std::array kModelRoutes = {
    Route{"POST", "/v1/messages", "/v1/messages", kMessages},
    Route{"POST", "/v1/messages/count_tokens", "/v1/messages/count_tokens", kMessages},
};

// Anthropic API reference, "Errors". Its 529 for an overload is no status of ours: 503 is.
std::string_view type_of(int status) noexcept {
  switch (status) {
    case 413: return "request_too_large";
    case 503: return "overloaded_error";
    case 504: return "timeout_error";
    case 501:
    case 505: return error_type(status);
    default: return status >= 500 ? "api_error" : error_type(status);
  }
}

class Anthropic final : public Dialect {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "anthropic"; }
  [[nodiscard]] std::span<const Route> routes() const noexcept override { return kRoutes; }
  [[nodiscard]] std::span<const Route> model_routes() const noexcept override {
    return kModelRoutes;
  }
  // What the SDKs' `beta` namespace adds, and the pages of a list.
  [[nodiscard]] bool plain_parameter(std::string_view name) const noexcept override {
    return name == "beta" || name == "limit" || name == "after_id" || name == "before_id";
  }

  [[nodiscard]] std::size_t operations() const noexcept override { return kOperations; }
  [[nodiscard]] std::unique_ptr<RequestDocument> make_request(std::uint8_t) const override {
    return std::make_unique<AnthropicRequest>();
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer(std::uint8_t) const override {
    return std::make_unique<AnthropicAnswer>();
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream(std::uint8_t) const override {
    return std::make_unique<JsonStream>(
        std::make_unique<AnthropicWalker>(AnthropicWalker::Of::stream));
  }

  [[nodiscard]] std::string catalogue(std::span<const std::string_view> models,
                                      bool only) const override {
    const auto add_model = [](std::string& out, std::string_view name) {
      out += "{\"type\":\"model\",\"id\":";
      json::append_quoted(out, name);
      out += ",\"display_name\":";
      json::append_quoted(out, name);
      // The API's own way to say that the day is not known.
      out += ",\"created_at\":\"1970-01-01T00:00:00Z\"}";
    };
    const auto add_id = [models](std::string& out, std::string_view key, std::size_t at) {
      out.append(",\"").append(key).append("\":");
      if (models.empty()) {
        out += "null";
      } else {
        json::append_quoted(out, models[at]);
      }
    };
    std::string out;
    if (only && !models.empty()) {
      add_model(out, models.front());
      return out;
    }
    out = "{\"data\":[";
    for (std::size_t i = 0; i < models.size(); ++i) {
      if (i > 0) out += ',';
      add_model(out, models[i]);
    }
    out += "],\"has_more\":false";
    add_id(out, "first_id", 0);
    add_id(out, "last_id", models.size() - 1);
    out += '}';
    return out;
  }

  [[nodiscard]] std::string_view request_id_field() const noexcept override { return "request-id"; }
  [[nodiscard]] std::string error_body(const Problem& problem, Detail detail) const override {
    const Shown what = shown(problem, detail);
    std::string out = begin_problem(problem, what, detail, "error");
    out += ",\"error\":{\"type\":";
    json::append_quoted(out, type_of(problem.status));
    add_member(out, "message", what.message);
    if (!what.code.empty()) {
      // Where the SDKs look for a code: `error_code` of the exception.
      out += ",\"details\":{\"error_code\":";
      json::append_quoted(out, what.code);
      out += '}';
    }
    out += "}}";
    return out;
  }

  [[nodiscard]] std::string stream_error(std::uint8_t, const Problem& problem,
                                         Detail detail) const override {
    std::string out;
    append_named_event(out, "error", error_body(problem, detail));
    return out;
  }
};

}  // namespace

const Dialect& anthropic() noexcept {
  static const Anthropic dialect;
  return dialect;
}

}  // namespace davy::dialects
