#include "mechanisms/dialects/openai_request.h"

#include <array>
#include <utility>

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

// Where an enumeration or an id stands. A value that looks like an identifier is passed
// on there; any other is examined like the rest.
constexpr std::array kPlainTop = {Name("model"),         Name("reasoning_effort"),
                                  Name("service_tier"),  Name("tool_choice"),
                                  Name("function_call"), Name("verbosity")};
constexpr std::array kPlainType = {Name("type")};

}  // namespace

Result<void> OpenAiRequest::read_settings() {
  DAVY_TRY(must_be_object("send {\"model\": …, \"messages\": […]}"));
  DAVY_TRY(read_model());
  const NodeId messages = member_of(0, "messages");
  if (!index_.is(messages, Kind::array)) {
    return wrong(messages == kNoNode ? 0 : messages, "`messages` must be an array of messages",
                 "send at least {\"role\": \"user\", \"content\": …}");
  }
  DAVY_TRY(names_no_other_model());
  DAVY_TRY(read_stream());
  read_usage_option();
  DAVY_ASSIGN(const auto choices, whole_number("n"));
  choices_ = choices.value_or(1);
  if (choices_ == 0) return wrong(member_of(0, "n"), "`n` must be at least 1", "leave it out");
  DAVY_ASSIGN(max_output_tokens_, whole_number("max_completion_tokens"));
  DAVY_ASSIGN(const auto max_tokens, whole_number("max_tokens"));
  // An upstream may follow either, so the larger one is what may be spent.
  if (max_tokens && (!max_output_tokens_ || *max_tokens > *max_output_tokens_)) {
    max_output_tokens_ = max_tokens;
  }
  return {};
}

void OpenAiRequest::read_text() {
  each_child(0, Provenance::field, [this](NodeId member) { top_level(member); });
}

void OpenAiRequest::top_level(NodeId member) {
  if (named(member, "messages")) {
    each_child(member, Provenance::field, [this](NodeId id) { message(id); });
  } else if (named(member, "tools") || named(member, "functions")) {
    collect(member, Provenance::document, kPlainType);
  } else if (named(member, "prediction") && index_.is(member, Kind::object)) {
    each_child(member, Provenance::field, [this](NodeId id) {
      if (named(id, "content")) {
        content(id, Provenance::assistant);
      } else {
        collect(id, Provenance::field, kPlainType);
      }
    });
  } else if (named(member, "response_format")) {
    collect(member, Provenance::field, kPlainType);
  } else if (!is_plain(member, kPlainTop) && !is_embeddings(member, Provenance::field)) {
    collect(member, Provenance::field, {});
  }
}

}  // namespace davy::dialects
