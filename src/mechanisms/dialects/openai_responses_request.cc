#include "mechanisms/dialects/openai_responses_request.h"

#include <algorithm>
#include <array>

#include "mechanisms/dialects/identifiers.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

// Where an enumeration or an id stands.
constexpr std::array kPlainTop = {Name("model"), Name("service_tier"), Name("truncation"),
                                  Name("tool_choice"), Name("prompt_cache_retention")};
constexpr std::array kPlainItem = {
    Name("type"),     Name("role"),  Name("id"),           Name("call_id"),
    Name("status"),   Name("phase"), Name("container_id"), Name("approval_request_id"),
    Name("execution")};
constexpr std::array kPlainTool = {Name("type")};
constexpr std::array kPlainOptions = {Name("type"),     Name("mode"),    Name("model"),
                                      Name("effort"),   Name("summary"), Name("generate_summary"),
                                      Name("verbosity")};
// Settings of a few words each.
constexpr std::array kOptions = {Name("text"),           Name("reasoning"),
                                 Name("tool_choice"),    Name("moderation"),
                                 Name("stream_options"), Name("context_management")};

// What a call asks a tool for, and what it gave.
constexpr std::array kAsked = {Name("arguments"), Name("input"), Name("action"), Name("actions"),
                               Name("operation"), Name("code"),  Name("query"),  Name("queries")};
constexpr std::array kGiven = {Name("output"), Name("outputs"), Name("result"), Name("results"),
                               Name("error")};

}  // namespace

Result<void> OpenAiResponsesRequest::read_settings() {
  DAVY_TRY(must_be_object("send {\"model\": …, \"input\": …}"));
  DAVY_TRY(read_model());
  DAVY_TRY(names_no_other_model());
  DAVY_TRY(read_stream());
  DAVY_ASSIGN(max_output_tokens_, whole_number("max_output_tokens"));
  const NodeId background = member_of(0, "background");
  if (index_.is(background, Kind::boolean) && index_.is_true(background) && !stream_) {
    return wrong(background, "an answer that is made in the background cannot be fetched here",
                 "leave out `background`, or set `stream` too");
  }
  return {};
}

void OpenAiResponsesRequest::read_text() {
  each_child(0, Provenance::field, [this](NodeId member) { top_level(member); });
}

void OpenAiResponsesRequest::top_level(NodeId member) {
  const auto among = [&](Plain names) { return named_any(member, names); };
  if (named(member, "input") && is_array(member)) {
    each_child(member, Provenance::field, [this](NodeId id) { item(id); });
  } else if (named(member, "input")) {
    content(member, Provenance::user);
  } else if (named(member, "instructions")) {
    content(member, Provenance::system);
  } else if (named(member, "tools")) {
    tools(member);
  } else if (named(member, "previous_response_id") || named(member, "conversation")) {
    reference(member);
  } else if (named(member, "prompt")) {
    prompt(member);
  } else if (!is_plain(member, kPlainTop) && !is_embeddings(member, Provenance::field)) {
    collect(member, Provenance::field, among(kOptions) ? Plain(kPlainOptions) : Plain());
  }
}

void OpenAiResponsesRequest::tools(NodeId id) {
  if (!is_array(id)) return collect_with_media(id, Provenance::document, kPlainTool);
  each_own_child(id, Provenance::document, [this](NodeId tool) {
    if (!is_object(tool)) return collect_with_media(tool, Provenance::document, kPlainTool);
    each_own_child(tool, Provenance::document, [this](NodeId member) {
      if (is_spelt(index_, member, "vector_store_ids") || is_spelt(index_, member, "container")) {
        kept(member);
      } else {
        collect_with_media(member, Provenance::document, kPlainTool);
      }
    });
  });
}

void OpenAiResponsesRequest::kept(NodeId id) {
  if (is_array(id)) {
    return each_own_child(id, Provenance::document, [this](NodeId each) { kept(each); });
  }
  if (is_string(id) && is_identifier(index_.raw(id))) return binary(id, Provenance::document);
  if (!is_object(id)) return collect_with_media(id, Provenance::document, kPlainTool);
  each_own_child(id, Provenance::document, [this](NodeId member) {
    if (is_spelt(index_, member, "file_ids")) {
      kept(member);
    } else {
      collect_with_media(member, Provenance::document, kPlainTool);
    }
  });
}

void OpenAiResponsesRequest::prompt(NodeId id) {
  if (!is_object(id)) return reference(id);
  each_child(id, Provenance::field, [this](NodeId member) {
    if (named(member, "id") && is_string(member)) {
      binary(member, Provenance::field);
    } else if (named(member, "variables") && is_object(member)) {
      each_own_child(member, Provenance::user, [this](NodeId variable) {
        if (is_object(variable)) {
          part(variable, Provenance::user);
        } else {
          content(variable, Provenance::user);
        }
      });
    } else {
      collect(member, Provenance::field);
    }
  });
}

void OpenAiResponsesRequest::item(NodeId id) {
  if (!is_object(id)) return content(id, Provenance::user);
  const NodeId type = member_of(id, "type");
  const NodeId role = member_of(id, "role");
  const bool message = type == kNoNode ? role != kNoNode : index_.string_is(type, "message");
  const bool stored = type == kNoNode ? role == kNoNode : index_.string_is(type, "item_reference");
  const bool picture = index_.string_is(type, "image_generation_call");
  const Provenance speaker = message ? of_role(role) : Provenance::assistant;
  each_child(id, Provenance::field, [&](NodeId member) {
    if (named(member, "content")) {
      content(member, speaker);
    } else if (is_string(member) &&
               ((stored && named(member, "id")) || (picture && named(member, "result")))) {
      binary(member, Provenance::field);
    } else {
      of_item(member);
    }
  });
}

void OpenAiResponsesRequest::of_item(NodeId member) {
  const auto among = [&](Plain names) { return named_any(member, names); };
  if (named(member, "summary")) {
    content(member, Provenance::assistant);
  } else if (named(member, "encrypted_content")) {
    if (is_string(member) && is_base64(index_.raw(member))) {
      binary(member, Provenance::assistant);
    } else {
      collect(member, Provenance::assistant);
    }
  } else if (among(kAsked)) {
    collect_with_media(member, Provenance::tool_call);
  } else if (among(kGiven)) {
    if (is_object(member)) {
      collect_with_media(member, Provenance::tool_result, kPlainTool);
    } else {
      content(member, Provenance::tool_result);
    }
  } else if (named(member, "tools")) {
    const auto named_none = tools_name_no_model(member);
    if (!named_none.ok()) refuse(named_none.error());
    tools(member);
  } else if (!is_plain(member, kPlainItem)) {
    collect(member, Provenance::field);
  }
}

}  // namespace davy::dialects
