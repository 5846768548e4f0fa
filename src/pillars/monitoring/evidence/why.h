// What happened to one request, in plain sentences, from its events.
#pragma once

#include <span>
#include <string>

#include "core/event.h"

namespace davy::evidence {

// Several lines, each ended by LF, printable whatever the events hold. `events` are the
// rows of one request id, oldest first: one of model_api_logs, or two where the begin was
// recorded (its `action` is "begin"), and one of findings a finding. Other rows are passed
// over. Without any of model_api_logs it says so.
[[nodiscard]] std::string why_text(std::span<const Event> events);

// One JSON object; what is not known is absent:
// {"request_id","time","complete","decision","status","error"?,"client_ip","key_id",
//  "experiment","owner","model","dialect","method","path","stage"?,"rule"?,"next_step"?,
//  "upstream_called","stream","bytes_not_examined","tokens_in","tokens_out","cost_usd",
//  "latency_ms","upstream_ms","policy","findings":[{"rule","title","severity","mode",
//  "message","decided","where"?,"pointer"?,"begin"?,"end"?,"provenance","evidence"?,
//  "next_step"}]}
// `complete` is false where the end was never recorded; "stage", "rule" and "next_step" are
// of the denial. `decided` marks the finding that decided.
[[nodiscard]] std::string why_json(std::span<const Event> events);

}  // namespace davy::evidence
