#include "mechanisms/dialects/mcp_message.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/spelling.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using json::NodeId;
using Name = std::string_view;

enum class Take : std::uint8_t {
  anything,    // all strings below it
  plain,       // an identifier is passed on without a look
  prose,       // a text
  structured,  // a name, which is examined although it looks like an identifier
  object,      // of the row's shape
  map,         // an object of objects of that shape
  messages,    // an object of messages
  params,      // of the method beside it
  content,     // parts, or one text
  role,        // the same; the role beside it says whose
  result,      // the same; the members beside it say whose
  media,       // base64 where the type beside it says so
  binary,
};

struct Shape;

struct Row {
  Name name;
  Take take;
  std::optional<Provenance> provenance{};  // without one: that of what is around
  const Shape* shape = nullptr;
};

// Members that no row names are Take::anything, but for `_meta`, which may stand everywhere.
struct Shape {
  std::span<const Row> rows;
  bool plain_keys = false;  // keys may be the caller's own; identifiers are names of the protocol
};

constexpr auto kDocument = Provenance::document;
constexpr auto kToolResult = Provenance::tool_result;
constexpr auto kToolCall = Provenance::tool_call;

constexpr std::array kMetaRows = {
    Row{"progressToken", Take::plain},
    Row{"io.modelcontextprotocol/protocolVersion", Take::plain},
    Row{"io.modelcontextprotocol/logLevel", Take::plain},
    Row{"io.modelcontextprotocol/subscriptionId", Take::plain},
};
constexpr Shape kMeta{kMetaRows, true};

constexpr std::array kContentsRows = {
    Row{"mimeType", Take::plain},
    Row{"text", Take::prose},
    Row{"blob", Take::binary},
};
constexpr Shape kContents{kContentsRows};

// A part of a content: text, image, audio, resource, resource_link, tool_use, tool_result.
constexpr std::array kPartRows = {
    Row{"type", Take::plain},
    Row{"id", Take::plain},
    Row{"toolUseId", Take::plain},
    Row{"mimeType", Take::plain},
    Row{"text", Take::prose},
    Row{"title", Take::prose},
    Row{"description", Take::prose},
    Row{"data", Take::media},
    Row{"resource", Take::object, kDocument, &kContents},
    Row{"input", Take::anything, kToolCall},
    Row{"content", Take::content, kToolResult},
    Row{"structuredContent", Take::anything, kToolResult},
};
constexpr Shape kPart{kPartRows};

constexpr std::array kRoleRows = {
    Row{"role", Take::plain},
    Row{"content", Take::role},
};
constexpr Shape kRole{kRoleRows};

constexpr std::array kListedRows = {
    Row{"name", Take::structured},    Row{"title", Take::prose},
    Row{"description", Take::prose},  Row{"mimeType", Take::plain},
    Row{"lastModified", Take::plain},
};
constexpr Shape kListed{kListedRows};

constexpr std::array kImplementationRows = {
    Row{"name", Take::plain},
    Row{"version", Take::plain},
    Row{"title", Take::prose},
    Row{"description", Take::prose},
};
constexpr Shape kImplementation{kImplementationRows};

constexpr std::array kTaskRows = {
    Row{"taskId", Take::plain},        Row{"status", Take::plain},
    Row{"createdAt", Take::plain},     Row{"lastUpdatedAt", Take::plain},
    Row{"statusMessage", Take::prose},
};
constexpr Shape kTask{kTaskRows};

// Whose `params` are told by their members alone.
constexpr std::array kParamsRows = {
    Row{"cursor", Take::plain},
    Row{"level", Take::plain},
    Row{"logger", Take::plain},
    Row{"requestId", Take::plain},
    Row{"progressToken", Take::plain},
    Row{"protocolVersion", Take::plain},
    Row{"taskId", Take::plain},
    Row{"status", Take::plain},
    Row{"reason", Take::prose},
    Row{"message", Take::prose},
    Row{"clientInfo", Take::object, std::nullopt, &kImplementation},
};
constexpr Shape kParams{kParamsRows};

constexpr std::array kResultRows = {
    // Of a tool call, of sampling, of an elicitation.
    Row{"content", Take::result},
    Row{"structuredContent", Take::anything, kToolResult},
    Row{"role", Take::plain},
    Row{"model", Take::plain},
    Row{"stopReason", Take::plain},
    Row{"action", Take::plain},
    // Lists.
    Row{"tools", Take::object, kDocument, &kListed},
    Row{"prompts", Take::object, kDocument, &kListed},
    Row{"resources", Take::object, kDocument, &kListed},
    Row{"resourceTemplates", Take::object, kDocument, &kListed},
    Row{"nextCursor", Take::plain},
    Row{"roots", Take::anything, Provenance::field},
    // A prompt, a resource, a completion.
    Row{"messages", Take::object, std::nullopt, &kRole},
    Row{"description", Take::prose, kDocument},
    Row{"contents", Take::object, kDocument, &kContents},
    Row{"completion", Take::anything, kDocument},
    // Of initialize and server/discover.
    Row{"protocolVersion", Take::plain},
    Row{"capabilities", Take::anything, kDocument},
    Row{"serverInfo", Take::object, kDocument, &kImplementation},
    Row{"instructions", Take::prose, kDocument},
    // A server asks for more: its requests by their names.
    Row{"inputRequests", Take::messages},
    Row{"requestState", Take::plain},
    Row{"resultType", Take::plain},
    Row{"cacheScope", Take::plain},
    Row{"task", Take::object, std::nullopt, &kTask},
    Row{"tasks", Take::object, std::nullopt, &kTask},
};
constexpr Shape kResult{kResultRows};

// What a caller sends again after a server asked for more: the answers by their names.
constexpr std::array kCallRows = {
    Row{"name", Take::structured, kToolCall},
    Row{"arguments", Take::anything, kToolCall},
    Row{"requestState", Take::plain},
    Row{"inputResponses", Take::map, std::nullopt, &kResult},
};
constexpr Shape kCallParams{kCallRows};
constexpr std::array kPromptRows = {
    Row{"name", Take::plain},
    Row{"arguments", Take::anything, Provenance::user},
    Row{"requestState", Take::plain},
    Row{"inputResponses", Take::map, std::nullopt, &kResult},
};
constexpr Shape kPromptParams{kPromptRows};
constexpr std::array kReadRows = {
    Row{"requestState", Take::plain},
    Row{"inputResponses", Take::map, std::nullopt, &kResult},
};
constexpr Shape kReadParams{kReadRows};

constexpr std::array kReferenceRows = {
    Row{"type", Take::plain},
    Row{"name", Take::plain},
};
constexpr Shape kReference{kReferenceRows};
constexpr std::array kArgumentRows = {
    Row{"name", Take::plain},
    Row{"value", Take::prose},
};
constexpr Shape kArgument{kArgumentRows};
constexpr std::array kCompleteRows = {
    Row{"ref", Take::object, std::nullopt, &kReference},
    Row{"argument", Take::object, Provenance::user, &kArgument},
    Row{"context", Take::anything, Provenance::user},
};
constexpr Shape kComplete{kCompleteRows};

constexpr std::array kSamplingRows = {
    Row{"messages", Take::object, std::nullopt, &kRole},
    Row{"systemPrompt", Take::prose, Provenance::system},
    Row{"includeContext", Take::plain},
    Row{"tools", Take::object, kDocument, &kListed},
};
constexpr Shape kSampling{kSamplingRows};

constexpr std::array kElicitationRows = {
    Row{"message", Take::prose},
    Row{"mode", Take::plain},
    Row{"elicitationId", Take::plain},
    Row{"requestedSchema", Take::anything, kDocument},
};
constexpr Shape kElicitation{kElicitationRows};

constexpr std::array kErrorRows = {
    Row{"message", Take::prose},
};
constexpr Shape kError{kErrorRows};

constexpr std::array kMessageRows = {
    Row{"jsonrpc", Take::plain},
    Row{"id", Take::plain},
    Row{"method", Take::plain},
    Row{"params", Take::params},
    Row{"result", Take::object, std::nullopt, &kResult},
    Row{"error", Take::object, kToolResult, &kError},
};
constexpr Shape kMessage{kMessageRows};

struct Method {
  Name name;
  const Shape* params;
};
constexpr std::array kMethods = {
    Method{"tools/call", &kCallParams},           Method{"prompts/get", &kPromptParams},
    Method{"resources/read", &kReadParams},       Method{"completion/complete", &kComplete},
    Method{"sampling/createMessage", &kSampling}, Method{"elicitation/create", &kElicitation},
};

class Reader {
 public:
  Reader(const json::Index& index, Provenance other, McpTexts& texts)
      : index_(index), texts_(texts), other_(other) {}

  // An object of that shape, or an array of them.
  void object(NodeId id, const Shape& shape, Provenance provenance);

 private:
  void member(NodeId id, const Shape& shape, Provenance provenance);
  [[nodiscard]] bool named(NodeId id, Name key);
  void map(NodeId id, const Shape& shape, Provenance provenance);
  // All strings at and below `id`.
  void anything(NodeId id, Provenance provenance);
  void plain(NodeId id, Provenance provenance);
  void params(NodeId id);
  void content(NodeId id, Provenance provenance);
  void media(NodeId id, Provenance provenance);
  void result(NodeId id);
  [[nodiscard]] Provenance of_role(NodeId id) const;
  [[nodiscard]] bool beside(NodeId id, std::string_view key) const;

  const json::Index& index_;
  McpTexts& texts_;
  Provenance other_;
};

void Reader::object(NodeId id, const Shape& shape, Provenance provenance) {
  if (index_.is(id, Kind::array)) {
    for (NodeId each = index_.first_child(id); each != kNoNode; each = index_[each].next) {
      object(each, shape, provenance);
    }
    return;
  }
  if (!index_.is(id, Kind::object)) return anything(id, provenance);
  for (NodeId each = index_.first_child(id); each != kNoNode; each = index_[each].next) {
    const std::string_view key = slice(index_.source(), index_[each].key_span());
    // No @: an address is worth a look.
    const bool known =
        shape.plain_keys && is_identifier(key) && key.find('@') == std::string_view::npos;
    if (!known) texts_.key(each, provenance);
    member(each, shape, provenance);
  }
  if (!shape.plain_keys) texts_.spellings(id);
}

void Reader::member(NodeId id, const Shape& shape, Provenance provenance) {
  const auto row = std::find_if(shape.rows.begin(), shape.rows.end(),
                                [&](const Row& each) { return named(id, each.name); });
  if (row == shape.rows.end()) {
    if (named(id, "_meta")) return object(id, kMeta, provenance);
    return anything(id, provenance);
  }
  const Provenance whose = row->provenance.value_or(provenance);
  const bool string = index_.is(id, Kind::string);
  switch (row->take) {
    case Take::anything: return anything(id, whose);
    case Take::plain: return plain(id, whose);
    case Take::prose:
      if (!string) return anything(id, whose);
      return texts_.text(id, whose, TextKind::prose);
    case Take::structured:
      if (!string) return anything(id, whose);
      return texts_.text(id, whose, TextKind::structured);
    case Take::object: return object(id, *row->shape, whose);
    case Take::map: return map(id, *row->shape, whose);
    case Take::messages: return map(id, kMessage, whose);
    case Take::params: return params(id);
    case Take::content: return content(id, whose);
    case Take::role: return content(id, of_role(id));
    case Take::result: return result(id);
    case Take::media: return media(id, whose);
    case Take::binary:
      if (!string) return anything(id, whose);
      return texts_.binary(id, whose);
  }
}

bool Reader::named(NodeId id, Name key) {
  if (index_.key_is(id, key)) return true;
  if (may_spell(slice(index_.source(), index_[id].key_span()), key)) texts_.spelling(id, key);
  return false;
}

void Reader::map(NodeId id, const Shape& shape, Provenance provenance) {
  if (!index_.is(id, Kind::object)) return anything(id, provenance);
  for (NodeId each = index_.first_child(id); each != kNoNode; each = index_[each].next) {
    texts_.key(each, provenance);
    object(each, shape, provenance);
  }
}

void Reader::anything(NodeId id, Provenance provenance) {
  const NodeId end = index_.end_of(id);
  for (NodeId at = id; at < end; ++at) {
    if (at != id) texts_.key(at, provenance);
    if (index_.is(at, Kind::string)) texts_.loose(at, provenance);
  }
}

void Reader::plain(NodeId id, Provenance provenance) {
  if (index_.is(id, Kind::string) && is_identifier(index_.raw(id))) return;
  anything(id, provenance);
}

void Reader::params(NodeId id) {
  const NodeId method = index_.member(index_[id].parent, "method");
  const auto known = std::find_if(kMethods.begin(), kMethods.end(), [&](const auto& each) {
    return method != kNoNode && index_.string_is(method, each.name);
  });
  object(id, known == kMethods.end() ? kParams : *known->params, other_);
}

void Reader::content(NodeId id, Provenance provenance) {
  if (index_.is(id, Kind::string)) return texts_.text(id, provenance, TextKind::prose);
  object(id, kPart, provenance);
}

void Reader::media(NodeId id, Provenance provenance) {
  const NodeId type = index_.member(index_[id].parent, "type");
  const bool hidden = type != kNoNode && index_.is(id, Kind::string) &&
                      (index_.string_is(type, "image") || index_.string_is(type, "audio"));
  if (!hidden) return anything(id, provenance);
  texts_.binary(id, provenance);
}

Provenance Reader::of_role(NodeId id) const {
  const NodeId role = index_.member(index_[id].parent, "role");
  if (role == kNoNode) return other_;
  if (index_.string_is(role, "user")) return Provenance::user;
  if (index_.string_is(role, "assistant")) return Provenance::assistant;
  if (index_.string_is(role, "system")) return Provenance::system;
  return other_;
}

// Only a caller answers to sampling and to elicitations: what a server calls so is a tool's
// result all the same.
void Reader::result(NodeId id) {
  const bool of_server = other_ == Provenance::tool_result;
  if (!of_server && beside(id, "action")) return anything(id, Provenance::user);
  content(id, !of_server && beside(id, "role") ? of_role(id) : Provenance::tool_result);
}

bool Reader::beside(NodeId id, std::string_view key) const {
  return index_.member(index_[id].parent, key) != kNoNode;
}

}  // namespace

void read_mcp(const json::Index& index, Provenance other, McpTexts& texts) {
  Reader(index, other, texts).object(0, kMessage, other);
}

}  // namespace davy::dialects
