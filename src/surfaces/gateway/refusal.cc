#include "surfaces/gateway/refusal.h"

#include <algorithm>

#include "core/snapshot.h"
#include "generated/rules.h"

namespace davy::gateway {
namespace {

dialects::Detail detail_for(const ExchangeInfo& info) {
  const bool minimal =
      info.experiment != nullptr && info.experiment->detail() == DenialDetail::minimal;
  return minimal ? dialects::Detail::minimal : dialects::Detail::full;
}

Refusal base(const ExchangeInfo& info, int status) {
  Refusal out;
  out.problem.status = status;
  out.problem.request_id = info.request_id;
  out.problem.policy = info.snapshot->policy_digest;
  out.detail = detail_for(info);
  return out;
}

std::string code_of(int status) {
  switch (status) {
    case 401: return "invalid_api_key";
    case 404: return "not_found";
    case 413: return "request_too_large";
    case 400: return "invalid_request";
    default: return "policy_denied";
  }
}

}  // namespace

Finding about_request(RuleId rule, std::string message, std::string fix) {
  Location location;
  location.file = "request";
  Finding finding = make_finding(rule, std::move(message), std::move(location));
  finding.fix = std::move(fix);
  return finding;
}

int status_of(RuleId rule) noexcept {
  if (rule == rules::kAccessKeysMissing || rule == rules::kAccessKeysMalformed ||
      rule == rules::kAccessKeysUnknown || rule == rules::kAccessKeysRevoked ||
      rule == rules::kAccessKeysExpired) {
    return 401;
  }
  if (rule == rules::kGatewayRouteUnknown || rule == rules::kGatewayModelUnknown) return 404;
  if (rule == rules::kGatewayRequestTooLarge) return 413;
  if (rule == rules::kGatewayRequestMalformed) return 400;
  return 403;
}

Refusal denied(const ExchangeInfo& info, const Finding& reason, std::string_view stage) {
  const RuleInfo& rule = davy::info(reason.rule);
  Refusal out = base(info, status_of(reason.rule));
  out.problem.code =
      reason.rule == rules::kGatewayModelUnknown ? "model_not_found" : code_of(out.problem.status);
  out.problem.title = rule.title;
  out.problem.detail = reason.message;
  out.problem.next_step = reason.fix.empty() ? std::string(rule.fix) : reason.fix;
  out.problem.rule = rule.id;
  out.problem.stage = stage;
  out.stage = stage;
  out.denied = true;
  out.no_retry = reason.rule == rules::kAccessControlContained;
  if (stage == kGateway) out.finding = reason;
  return out;
}

Refusal failed_closed(const ExchangeInfo& info, std::string_view stage) {
  Refusal out = base(info, 503);
  out.problem.code = "control_failed";
  out.problem.title = "A control failed";
  out.problem.detail =
      "A control that must examine this exchange failed, so the exchange was refused.";
  out.problem.next_step = "Tell the operator the request id; the log names the fault.";
  out.problem.stage = stage;
  out.stage = stage;
  out.denied = true;
  out.no_retry = true;
  return out;
}

Refusal malformed(const ExchangeInfo& info, const Error& error) {
  const bool large = error.kind == ErrorKind::limit;
  const std::string place = error.place.text();
  return denied(
      info,
      about_request(large ? rules::kGatewayRequestTooLarge : rules::kGatewayRequestMalformed,
                    place.empty() ? error.message : place + ": " + error.message, error.hint),
      kGateway);
}

Refusal upstream_failed(const ExchangeInfo& info, bool timed_out, std::string_view what) {
  Refusal out = base(info, timed_out ? 504 : 502);
  out.problem.code = timed_out ? "upstream_timeout" : "upstream_failed";
  out.problem.title =
      timed_out ? "The model did not answer in time" : "The model cannot be reached";
  out.problem.detail = what;
  out.problem.next_step = "Try again; if it stays so, tell the operator the request id.";
  out.detail = dialects::Detail::full;
  return out;
}

Refusal upstream_unavailable(const ExchangeInfo& info, std::chrono::nanoseconds wait) {
  Refusal out = base(info, 503);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  out.retry_after = static_cast<std::uint32_t>(std::max<std::int64_t>(seconds, 1));
  out.problem.code = "upstream_unavailable";
  out.problem.title = "The model is left alone for a while";
  out.problem.detail =
      "Every upstream of the model keeps failing or fails its health check, so the request was "
      "not sent.";
  out.problem.next_step = "Try again after the time that Retry-After names.";
  out.detail = dialects::Detail::full;
  return out;
}

Refusal out_of_time(const ExchangeInfo& info, std::chrono::milliseconds limit) {
  Refusal out = base(info, 504);
  out.problem.code = "total_timeout";
  out.problem.title = "The exchange took too long";
  out.problem.detail = "The exchange took longer than the " + std::to_string(limit.count()) +
                       " ms that limits.total_timeout allows.";
  out.problem.next_step = "Ask for a shorter answer; the operator can raise limits.total_timeout.";
  out.detail = dialects::Detail::full;
  return out;
}

Refusal out_of_means(const ExchangeInfo& info) {
  Refusal out = base(info, 503);
  out.retry_after = 1;
  out.problem.code = "gateway_overloaded";
  out.problem.title = "The gateway has no connection left";
  out.problem.detail = "The gateway cannot open another connection, so the request was not sent.";
  out.problem.next_step =
      "Try again after the time that Retry-After names; the operator can raise the limit of open "
      "files.";
  out.detail = dialects::Detail::full;
  return out;
}

Refusal upstream_busy(const ExchangeInfo& info, const Busy& said) {
  Refusal out = base(info, said.status);
  out.retry_after = said.retry_after;
  out.problem.code = "upstream_busy";
  out.problem.title = "The model is busy";
  out.problem.detail = "An upstream of the model answered with status " +
                       std::to_string(said.status) + ", and no other one accepts the request.";
  out.problem.next_step = "Try again later.";
  out.detail = dialects::Detail::full;
  return out;
}

Refusal answer_too_large(const ExchangeInfo& info, std::uint64_t limit) {
  Refusal out = base(info, 502);
  out.problem.code = "answer_too_large";
  out.problem.title = "The model's answer is too large";
  out.problem.detail = "The model's answer is larger than the " + std::to_string(limit) +
                       " bytes that max_answer_bytes allows.";
  out.problem.next_step =
      "Ask for a shorter answer; the operator can raise max_answer_bytes of the model.";
  out.detail = dialects::Detail::full;
  out.no_retry = true;
  return out;
}

}  // namespace davy::gateway
