#include "mechanisms/dialects/anthropic_request.h"

#include <array>

#include "mechanisms/dialects/identifiers.h"

namespace davy::dialects {
namespace {

using json::kNoNode;
using Name = std::string_view;

// Where an enumeration or an id stands. A value that looks like an identifier is passed
// on there; any other is examined like the rest.
constexpr std::array kPlainTop = {Name("model"), Name("service_tier"), Name("speed"),
                                  Name("inference_geo")};
constexpr std::array kSettings = {Name("cache_control"), Name("context_management"),
                                  Name("mcp_servers"),   Name("output_config"),
                                  Name("thinking"),      Name("tool_choice")};
constexpr std::array kPlainSetting = {Name("type"), Name("display"), Name("effort"), Name("ttl")};
constexpr std::array kPlainContainer = {Name("type"), Name("skill_id"), Name("version")};
constexpr std::array kPlainRole = {Name("role")};
constexpr std::array kPlainBlock = {Name("type"), Name("id"), Name("tool_use_id")};
constexpr std::array kPlainInBlock = {Name("type"), Name("ttl"), Name("tool_id")};
constexpr std::array kPlainSource = {Name("type"), Name("media_type")};
constexpr std::array kPlainCitation = {Name("type"), Name("file_id")};
constexpr std::array kPlainTool = {Name("type"), Name("ttl")};

constexpr std::array kProse = {Name("text"), Name("thinking"), Name("content"), Name("title"),
                               Name("context")};

// What a block's `type` says of the text in it.
enum class Block : std::uint8_t { plain, tool_use, tool_result, document, signed_text, redacted };

Block block_of(Name type) noexcept {
  if (type.ends_with("tool_use")) return Block::tool_use;  // also server_…, mcp_…
  if (type.ends_with("tool_result")) return Block::tool_result;
  if (type == "document" || type == "search_result") return Block::document;
  if (type == "thinking" || type == "compaction") return Block::signed_text;
  if (type == "redacted_thinking") return Block::redacted;
  return Block::plain;
}

}  // namespace

Result<void> AnthropicRequest::read_settings() {
  DAVY_TRY(must_be_object("send {\"model\": …, \"max_tokens\": …, \"messages\": […]}"));
  DAVY_TRY(read_model());
  const NodeId messages = member_of(0, "messages");
  if (!is_array(messages)) {
    return wrong(messages == kNoNode ? 0 : messages, "`messages` must be an array of messages",
                 "send at least {\"role\": \"user\", \"content\": …}");
  }
  DAVY_TRY(read_stream());
  DAVY_ASSIGN(max_output_tokens_, whole_number("max_tokens"));
  return names_no_other_model();
}

void AnthropicRequest::read_text() {
  each_child(0, Provenance::field, [this](NodeId member) { top_level(member); });
}

void AnthropicRequest::top_level(NodeId member) {
  if (named(member, "messages")) {
    each_child(member, Provenance::field, [this](NodeId id) { message(id); });
  } else if (named(member, "system")) {
    content(member, Provenance::system);
  } else if (named(member, "tools")) {
    collect(member, Provenance::document, kPlainTool);
  } else if (named(member, "container")) {
    container(member);
  } else if (named_any(member, kSettings)) {
    collect(member, Provenance::field, kPlainSetting);
  } else if (!is_plain(member, kPlainTop)) {
    collect(member, Provenance::field);
  }
}

// Files and skills that the provider keeps by their ids.
void AnthropicRequest::container(NodeId id) {
  const auto kept = [this](NodeId each) {
    return is_string(each) && is_identifier(index_.raw(each));
  };
  if (kept(id)) return binary(id, Provenance::field);
  if (!is_object(id)) return collect(id, Provenance::field);
  each_child(id, Provenance::field, [&](NodeId member) {
    if (named(member, "id") && kept(member)) {
      binary(member, Provenance::field);
    } else {
      collect(member, Provenance::field, kPlainContainer);
    }
  });
}

void AnthropicRequest::message(NodeId id) {
  if (!is_object(id)) return collect(id, Provenance::field);
  const NodeId role = member_of(id, "role");
  Provenance provenance = Provenance::field;
  if (role != kNoNode) {
    if (index_.string_is(role, "user")) provenance = Provenance::user;
    if (index_.string_is(role, "assistant")) provenance = Provenance::assistant;
    if (index_.string_is(role, "system")) provenance = Provenance::system;
  }
  each_child(id, Provenance::field, [this, provenance](NodeId member) {
    if (named(member, "content")) {
      content(member, provenance);
    } else if (!is_plain(member, kPlainRole)) {
      collect(member, Provenance::field);
    }
  });
}

void AnthropicRequest::content(NodeId id, Provenance provenance) {
  if (is_string(id)) return emit(id, provenance, TextKind::prose);
  if (is_object(id)) return block(id, provenance);
  if (!is_array(id)) return;
  each_child(id, provenance, [this, provenance](NodeId each) {
    if (is_string(each)) {
      emit(each, provenance, TextKind::prose);
    } else if (is_object(each)) {
      block(each, provenance);
    } else {
      collect(each, provenance);
    }
  });
}

void AnthropicRequest::block(NodeId id, Provenance provenance) {
  const NodeId type = member_of(id, "type");
  const Block kind = is_string(type) ? block_of(decoded(type)) : Block::plain;
  // Only the model calls a tool: in the mouth of another it is what that one says.
  const Provenance asked =
      provenance == Provenance::assistant ? Provenance::tool_call : Provenance::user;
  if (kind == Block::tool_result) provenance = Provenance::tool_result;
  if (kind == Block::document) provenance = Provenance::document;

  each_child(id, provenance, [this, kind, asked, provenance](NodeId member) {
    const bool text = is_string(member);
    const bool secret = text && is_base64(index_.raw(member));
    if (secret && kind == Block::signed_text && named(member, "signature")) {
      // Vouches for a text and holds none.
    } else if (secret &&
               ((kind == Block::redacted && named(member, "data")) ||
                named(member, "encrypted_content") || named(member, "encrypted_stdout"))) {
      binary(member, provenance);
    } else if (text && named(member, "file_id")) {
      binary(member, provenance);
    } else if (text && named_any(member, kProse)) {
      emit(member, provenance, TextKind::prose);
    } else if (named(member, "content")) {
      content(member, provenance);
    } else if (is_object(member) && named(member, "source")) {
      source(member, provenance);
    } else if (kind == Block::tool_use && named(member, "input")) {
      collect(member, asked);
    } else if (is_array(member) && named(member, "citations")) {
      each_child(member, Provenance::document, [this](NodeId each) { citation(each); });
    } else if (named(member, "tool") || named(member, "tools") || named(member, "tool_changes")) {
      collect(member, Provenance::document, kPlainTool);
    } else if (!is_plain(member, kPlainBlock)) {
      collect(member, provenance, kPlainInBlock);
    }
  });
}

// Of an image or a document.
void AnthropicRequest::source(NodeId id, Provenance provenance) {
  const NodeId type = member_of(id, "type");
  const bool bytes = type != kNoNode && index_.string_is(type, "base64");
  each_child(id, provenance, [this, bytes, provenance](NodeId member) {
    const bool text = is_string(member);
    if (text &&
        ((bytes && named(member, "data")) || named(member, "url") || named(member, "file_id"))) {
      binary(member, provenance);
    } else if (text && named(member, "data")) {
      emit(member, provenance, TextKind::prose);
    } else if (named(member, "content")) {
      content(member, provenance);
    } else if (!is_plain(member, kPlainSource)) {
      collect(member, provenance, kPlainSource);
    }
  });
}

void AnthropicRequest::citation(NodeId id) {
  if (!is_object(id)) return collect(id, Provenance::document);
  each_child(id, Provenance::document, [this](NodeId member) {
    const bool pointer =
        is_string(member) && named(member, "encrypted_index") && is_base64(index_.raw(member));
    if (!pointer && !is_plain(member, kPlainCitation)) collect(member, Provenance::document);
  });
}

}  // namespace davy::dialects
