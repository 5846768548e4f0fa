#include "mechanisms/dialects/openai.h"

#include <array>

#include "mechanisms/dialects/openai_answer.h"
#include "mechanisms/dialects/openai_request.h"
#include "mechanisms/dialects/openai_stream.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

constexpr std::array kRoutes = {Route{"POST", "/v1/chat/completions", "/chat/completions"}};

// `error.type` as the OpenAI API writes it.
std::string_view type_of(int status) noexcept {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 429: return "rate_limit_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

std::string_view phrase_of(int status) noexcept {
  switch (status) {
    case 401: return "Not authenticated";
    case 403: return "Refused";
    case 404: return "Not found";
    case 429: return "Too many requests";
    default: return status >= 500 ? "Not available" : "Not accepted";
  }
}

// What error_body shows of a problem.
struct Shown {
  std::string_view code;
  std::string_view title;
  std::string detail;
  std::string message;  // detail, next step and request id in one text
};

Shown shown(const Problem& problem, Detail detail) {
  Shown out;
  if (detail == Detail::minimal) {
    out.code = "request_denied";
    out.title = phrase_of(problem.status);
    out.detail = "The request was not served. Give the request id to your operator.";
    out.message = out.detail;
  } else {
    out.code = problem.code;
    out.title = problem.title.empty() ? phrase_of(problem.status) : problem.title;
    out.detail = problem.detail;
    out.message = problem.detail.empty() ? std::string(out.title) : problem.detail;
    if (!problem.next_step.empty()) {
      const bool ended = out.message.ends_with(".") || out.message.ends_with("?");
      out.message += (ended ? " " : ". ") + problem.next_step;
    }
  }
  if (!problem.request_id.empty()) out.message += " (request id " + problem.request_id + ")";
  return out;
}

// Adds `"name":"value"` with a comma before it, unless the value is empty.
void add_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"").append(name).append("\":");
  json::append_quoted(out, value);
}

void add_error(std::string& out, const Problem& problem, const Shown& shown) {
  out += "\"error\":{\"message\":";
  json::append_quoted(out, shown.message);
  out += ",\"type\":";
  json::append_quoted(out, type_of(problem.status));
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

  [[nodiscard]] std::unique_ptr<RequestDocument> make_request() const override {
    return std::make_unique<OpenAiRequest>();
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer() const override {
    return std::make_unique<OpenAiAnswer>();
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream() const override {
    return std::make_unique<OpenAiStream>();
  }

  [[nodiscard]] std::string error_body(const Problem& problem, Detail detail) const override {
    const Shown what = shown(problem, detail);
    // RFC 9457 3.1.1: about:blank says no more than the status does; `code` does.
    std::string out = "{\"type\":\"about:blank\"";
    add_member(out, "title", what.title);
    out += ",\"status\":" + std::to_string(problem.status);
    add_member(out, "detail", what.detail);
    add_member(out, "request_id", problem.request_id);
    if (detail == Detail::full) {
      add_member(out, "rule", problem.rule);
      add_member(out, "stage", problem.stage);
      add_member(out, "policy", problem.policy);
      add_member(out, "next_step", problem.next_step);
    }
    out += ',';
    add_error(out, problem, what);
    out += '}';
    return out;
  }

  [[nodiscard]] std::string stream_error(const Problem& problem, Detail detail) const override {
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
