// What answers of OpenAI's responses tell besides their text, and how one is ended early.
#include <optional>
#include <utility>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/openai_responses_answer.h"
#include "mechanisms/dialects/openai_usage.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

// The string member of an object that stands next. False: it came twice.
bool skim_reason(json::Skim& skim, std::string_view& reason) {
  if (!skim.enter_object()) {
    skim.skip();
    return true;
  }
  bool seen = false;
  for (std::string_view key; skim.next_member(key);) {
    if (key != "reason") {
      skim.skip();
      continue;
    }
    if (std::exchange(seen, true)) return false;
    const bool text = skim.peek() == '"';
    const auto value = skim.scalar();
    if (!value) skim.skip();
    if (text && value) reason = *value;
  }
  return true;
}

}  // namespace

bool OpenAiResponsesAnswer::skim(std::string_view body) {
  json::Skim skim(body);
  if (!skim.enter_object()) return false;
  bool seen_usage = false;
  bool seen_status = false;
  bool seen_details = false;
  std::string_view status;
  std::string_view reason;
  for (std::string_view key; skim.next_member(key);) {
    // A key that comes twice is for the index to refuse.
    if (key == "usage") {
      if (std::exchange(seen_usage, true) || !skim_usage(skim, kTokensOfResponses, usage_)) {
        return false;
      }
    } else if (key == "status") {
      if (std::exchange(seen_status, true)) return false;
      const bool text = skim.peek() == '"';
      const auto value = skim.scalar();
      if (!value) skim.skip();
      if (text && value) status = *value;
    } else if (key == "incomplete_details") {
      if (std::exchange(seen_details, true) || !skim_reason(skim, reason)) return false;
    } else {
      skim.skip();
    }
  }
  for (const std::string_view each : {status, reason}) {
    if (is_identifier(each)) finish_reason_ = each;
  }
  return skim.done();
}

std::string OpenAiResponsesWalker::cut() const {
  std::string out;
  std::uint64_t sequence = sequence_;
  const auto add = [&](std::string_view type, std::string_view status, std::string_view details) {
    std::string data =
        "{\"type\":\"" + std::string(type) +
        "\",\"sequence_number\":" + std::to_string(sequence++) + ",\"response\":{\"id\":\"" + id_ +
        "\",\"object\":\"response\",\"created_at\":" + (created_.empty() ? "0" : created_) +
        ",\"status\":\"";
    data.append(status).append("\",\"error\":null,\"incomplete_details\":").append(details);
    data += ",\"instructions\":null,\"metadata\":{},\"model\":\"" + model_ +
            "\",\"output\":[],\"parallel_tool_calls\":true,\"temperature\":null,"
            "\"tool_choice\":\"auto\",\"tools\":[],\"top_p\":null,\"usage\":null}}";
    out.append("event: ").append(type).append("\n");
    append_event(out, data);
  };
  // SDKs read no other event before this one. Of an answer that nobody judges every event
  // went out, so only one that came alone may have been held back.
  const bool begun = delivered_.value_or(mark_ > 1 ? mark_ : 0) > 0;
  if (!begun) add("response.created", "in_progress", "null");
  add("response.incomplete", "incomplete", R"({"reason":"content_filter"})");
  return out;
}

}  // namespace davy::dialects
