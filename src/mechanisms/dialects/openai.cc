#include "mechanisms/dialects/openai.h"

#include <array>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mechanisms/dialects/json_stream.h"
#include "mechanisms/dialects/openai_answer.h"
#include "mechanisms/dialects/openai_data_answer.h"
#include "mechanisms/dialects/openai_input_request.h"
#include "mechanisms/dialects/openai_request.h"
#include "mechanisms/dialects/openai_responses_answer.h"
#include "mechanisms/dialects/openai_responses_request.h"
#include "mechanisms/dialects/problem.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

using Form = OpenAiWalker::Form;
using Gives = OpenAiInputRequest::Gives;

constexpr std::size_t kMaxLargeEvent = 16 * 1024 * 1024;  // as much as a whole answer

struct Path {
  std::string_view text;
  OpenAiOperation operation;
};
constexpr std::array kPaths = {
    Path{"/chat/completions", kOpenAiChat},
    Path{"/responses", kOpenAiResponses},
    Path{"/responses/compact", kOpenAiResponses},
    Path{"/responses/input_tokens", kOpenAiResponses},
    Path{"/completions", kOpenAiCompletions},
    Path{"/embeddings", kOpenAiNumbers},
    Path{"/moderations", kOpenAiNumbers},
    Path{"/rerank", kOpenAiNumbers},
    Path{"/score", kOpenAiNumbers},
    Path{"/images/generations", kOpenAiMedia},
    Path{"/audio/speech", kOpenAiMedia},
};

// All routes that a path has, with the memory of their names.
class RouteTable {
 public:
  RouteTable() {
    for (const Path& path : kPaths) {
      add("/v1", path);
      // Azure OpenAI's, new and old.
      add("/openai/v1", path);
      add("/openai/deployments/{model}", path, Names::path);
      of_model_.push_back(gateway_[gateway_.size() - 3]);
      of_model_.push_back({"POST", path.text, path.text, path.operation});
    }
    gateway_.push_back({"POST", "/openai/responses", "/responses", kOpenAiResponses});
    gateway_.push_back({"GET", "/v1/models", {}, 0, Reading::catalogue});
    gateway_.push_back({"GET", "/v1/models/{model}", {}, 0, Reading::catalogue, Names::path});
    gateway_.push_back({"GET", "/v1/realtime", "/realtime", 0, Reading::opaque, Names::query});
  }

  [[nodiscard]] std::span<const Route> gateway() const noexcept { return gateway_; }
  [[nodiscard]] std::span<const Route> of_model() const noexcept { return of_model_; }

 private:
  void add(std::string_view prefix, const Path& path, Names names = Names::body) {
    const std::string& whole = names_.emplace_back(std::string(prefix).append(path.text));
    gateway_.push_back({"POST", whole, path.text, path.operation, Reading::documents, names});
  }

  std::deque<std::string> names_;
  std::vector<Route> gateway_;
  std::vector<Route> of_model_;
};

void add_members(std::string& out, const Shown& shown) {
  out += ",\"message\":";
  json::append_quoted(out, shown.message);
  out += ",\"param\":null,\"code\":";
  if (shown.code.empty()) {
    out += "null";
  } else {
    json::append_quoted(out, shown.code);
  }
}

void add_error(std::string& out, const Problem& problem, const Shown& shown) {
  out += "\"error\":{\"type\":";
  json::append_quoted(out, error_type(problem.status));
  add_members(out, shown);
  out += '}';
}

class OpenAi final : public Dialect {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "openai"; }
  [[nodiscard]] std::span<const Route> routes() const noexcept override { return table_.gateway(); }

  [[nodiscard]] std::span<const Route> model_routes() const noexcept override {
    return table_.of_model();
  }
  // Azure OpenAI's.
  [[nodiscard]] bool plain_parameter(std::string_view name) const noexcept override {
    return name == "api-version";
  }

  [[nodiscard]] std::size_t operations() const noexcept override { return kOpenAiOperations; }
  [[nodiscard]] std::unique_ptr<RequestDocument> make_request(
      std::uint8_t operation) const override {
    switch (operation) {
      case kOpenAiResponses: return std::make_unique<OpenAiResponsesRequest>();
      case kOpenAiCompletions: return std::make_unique<OpenAiInputRequest>(Gives::completions);
      case kOpenAiNumbers: return std::make_unique<OpenAiInputRequest>(Gives::numbers);
      case kOpenAiMedia: return std::make_unique<OpenAiInputRequest>(Gives::media);
      default: return std::make_unique<OpenAiRequest>();
    }
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer(std::uint8_t operation) const override {
    switch (operation) {
      case kOpenAiResponses: return std::make_unique<OpenAiResponsesAnswer>();
      case kOpenAiCompletions: return std::make_unique<OpenAiAnswer>(Form::text);
      case kOpenAiNumbers:
      case kOpenAiMedia: return std::make_unique<OpenAiDataAnswer>();
      default: return std::make_unique<OpenAiAnswer>(Form::message);
    }
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream(std::uint8_t operation) const override {
    const auto stream = [](std::unique_ptr<AnswerWalker> walker,
                           std::size_t most = kMaxEventBytes) {
      return std::make_unique<JsonStream>(std::move(walker), most);
    };
    switch (operation) {
      case kOpenAiResponses:
        // Its last event holds all of the answer, and so do pictures in one.
        return stream(std::make_unique<OpenAiResponsesWalker>(OpenAiResponsesWalker::Of::events),
                      kMaxLargeEvent);
      case kOpenAiCompletions: return stream(std::make_unique<OpenAiWalker>(Form::text));
      case kOpenAiNumbers:
      case kOpenAiMedia: return stream(std::make_unique<OpenAiDataWalker>(), kMaxLargeEvent);
      default: return stream(std::make_unique<OpenAiWalker>(Form::delta));
    }
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

  [[nodiscard]] std::string_view request_id_field() const noexcept override {
    return "x-request-id";
  }
  [[nodiscard]] std::string error_body(const Problem& problem, Detail detail) const override {
    const Shown what = shown(problem, detail);
    std::string out = begin_problem(problem, what, detail);
    out += ',';
    add_error(out, problem, what);
    out += '}';
    return out;
  }

  [[nodiscard]] std::string stream_error(std::uint8_t operation, const Problem& problem,
                                         Detail detail) const override {
    std::string out;
    if (operation != kOpenAiResponses) {
      append_event(out, error_body(problem, detail));
      return out;
    }
    // The members of its error event, and the object in which its SDKs look for an error.
    const Shown what = shown(problem, detail);
    std::string data = begin_problem(problem, what, detail, "error");
    data += ",\"sequence_number\":0";
    add_members(data, what);
    data += ',';
    add_error(data, problem, what);
    data += '}';
    out = "event: error\n";
    append_event(out, data);
    return out;
  }

 private:
  RouteTable table_;
};

}  // namespace

const Dialect& openai() noexcept {
  static const OpenAi dialect;
  return dialect;
}

}  // namespace davy::dialects
