// What happened to one request, in plain sentences, from its events.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "core/event.h"
#include "core/finding.h"

namespace davy::evidence {

// Field::location of a `findings` row: WHERE[#POINTER][@BEGIN-END], offsets in bytes of the
// decoded text: "request#/messages/1/content@12-27".
[[nodiscard]] std::string location_text(const Location& location);
// Nothing if it has another form.
[[nodiscard]] std::optional<Location> location_from(std::string_view text);

// Several lines, each ended by LF, printable. `events` are all rows of one request id,
// oldest first, at least one.
[[nodiscard]] std::string why_text(std::span<const Event> events);

// One JSON object: {"request_id","time","decision","status","key_id","experiment","owner",
// "model","stage","upstream_called","bytes_not_examined","tokens_in","tokens_out",
// "latency_ms","policy","complete","findings":[{"rule","title","severity","mode","message",
// "location":{"where","pointer","begin","end"},"provenance","evidence","next_step",
// "decided"}]}; what is not known is absent.
[[nodiscard]] std::string why_json(std::span<const Event> events);

}  // namespace davy::evidence
