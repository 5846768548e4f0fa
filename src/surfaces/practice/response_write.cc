#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>

#include "surfaces/practice/api.h"

namespace davy::practice {
namespace {

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(text));
}

}  // namespace

ResponseAnswer::ResponseAnswer(const ChatRequest& request, std::uint64_t number, WallTime now)
    : request_(request),
      number_(number),
      created_(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()),
      text_(answer(request.messages)) {
  if (request.max_tokens > 0 && count_tokens(text_) > request.max_tokens) {
    text_ = shortened(text_, request.max_tokens);
    cut_short_ = true;
  }
  for (const Message& message : request.messages) tokens_in_ += count_tokens(message.text);
}

std::string ResponseAnswer::part(std::string_view text) const {
  return fmt::format(R"({{"type":"output_text","text":{},"annotations":[]}})", quoted(text));
}

std::string ResponseAnswer::item() const {
  return fmt::format(
      R"({{"type":"message","id":"msg_practice_{}","status":"{}","role":"assistant","content":[{}]}})",
      number_, cut_short_ ? "incomplete" : "completed", part(text_));
}

std::string ResponseAnswer::response(std::string_view status, std::string_view output) const {
  std::string usage = "null";
  if (!output.empty()) {
    const std::uint64_t tokens_out = count_tokens(text_);
    usage = fmt::format(
        R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":0}},"output_tokens":{},)"
        R"("output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{}}})",
        tokens_in_, tokens_out, tokens_in_ + tokens_out);
  }
  return fmt::format(
      R"({{"id":"resp_practice_{}","object":"response","created_at":{},"status":"{}","error":null,)"
      R"("incomplete_details":{},"instructions":null,"metadata":{{}},"model":{},"output":[{}],)"
      R"("parallel_tool_calls":true,"temperature":1.0,"tool_choice":"auto","tools":[],"top_p":1.0,)"
      R"("usage":{}}})",
      number_, created_, status,
      status == "incomplete" ? R"({"reason":"max_output_tokens"})" : "null", quoted(request_.model),
      output, usage);
}

std::string ResponseAnswer::whole() const {
  return response(cut_short_ ? "incomplete" : "completed", item());
}

std::vector<std::string> ResponseAnswer::events() const {
  std::vector<std::string> out;
  const auto add = [&out](std::string_view type, std::string_view members) {
    out.push_back(
        fmt::format("event: response.{0}\ndata: {{\"type\":\"response.{0}\","
                    "\"sequence_number\":{1},{2}}}\n\n",
                    type, out.size(), members));
  };
  const std::string place = R"("output_index":0,"content_index":0,"item_id":"msg_practice_)" +
                            std::to_string(number_) + "\",";
  add("created", R"("response":)" + response("in_progress", ""));
  add("output_item.added",
      fmt::format(R"("output_index":0,"item":{{"type":"message","id":"msg_practice_{}",)"
                  R"("status":"in_progress","role":"assistant","content":[]}})",
                  number_));
  add("content_part.added", place + R"("part":)" + part(""));
  for (const std::string_view piece : pieces(text_)) {
    add("output_text.delta", place + R"("logprobs":[],"delta":)" + quoted(piece));
  }
  add("output_text.done", place + R"("logprobs":[],"text":)" + quoted(text_));
  add("content_part.done", place + R"("part":)" + part(text_));
  add("output_item.done", R"("output_index":0,"item":)" + item());
  const std::string_view status = cut_short_ ? "incomplete" : "completed";
  add(status, R"("response":)" + response(status, item()));
  return out;
}

}  // namespace davy::practice
