#include "mechanisms/dialects/problem.h"

#include "mechanisms/formats/json_text.h"

namespace davy::dialects {
namespace {

std::string_view phrase_of(int status) noexcept {
  switch (status) {
    case 401: return "Not authenticated";
    case 403: return "Refused";
    case 404: return "Not found";
    case 429: return "Too many requests";
    default: return status >= 500 ? "Not available" : "Not accepted";
  }
}

}  // namespace

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

void add_member(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"").append(name).append("\":");
  json::append_quoted(out, value);
}

std::string begin_problem(const Problem& problem, const Shown& what, Detail detail,
                          std::string_view type) {
  std::string out = "{\"type\":\"" + std::string(type) + '"';
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
  return out;
}

std::string plain_error(const Problem& problem, Detail detail) {
  const Shown what = shown(problem, detail);
  std::string out = begin_problem(problem, what, detail);
  add_member(out, "code", what.code);
  out += ",\"error\":";
  json::append_quoted(out, what.message);
  return out += '}';
}

std::string_view error_type(int status) noexcept {
  switch (status) {
    case 401: return "authentication_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 429: return "rate_limit_error";
    case 501:  // what the caller asked for is not spoken here
    case 505: return "invalid_request_error";
    default: return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

}  // namespace davy::dialects
