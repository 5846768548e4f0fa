#include "mechanisms/dialects/mcp.h"

#include <array>

#include "base/strings.h"
#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/json_answer.h"
#include "mechanisms/dialects/json_stream.h"
#include "mechanisms/dialects/loose_text.h"
#include "mechanisms/dialects/problem.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;

constexpr std::size_t kMaxCallId = 256;  // a longer one is not repeated

// A GET has no body; what streams back is text like the answer to a POST.
constexpr std::array kRoutes = {
    Route{"POST", "/mcp/{model}", kNothing, 0, Reading::documents, Names::path},
    Route{"GET", "/mcp/{model}", kNothing, 0, Reading::documents, Names::path},
    Route{"DELETE", "/mcp/{model}", kNothing, 0, Reading::none, Names::path},
};
constexpr std::array kModelRoutes = {
    Route{"POST", "", kNothing, 0, Reading::documents, Names::path},
    Route{"GET", "", kNothing, 0, Reading::documents, Names::path},
    Route{"DELETE", "", kNothing, 0, Reading::none, Names::path},
    Route{"POST", "/", kNothing, 0, Reading::documents, Names::path},
    Route{"GET", "/", kNothing, 0, Reading::documents, Names::path},
    Route{"DELETE", "/", kNothing, 0, Reading::none, Names::path},
    Route{"POST", "/mcp", kNothing, 0, Reading::documents, Names::path},
    Route{"GET", "/mcp", kNothing, 0, Reading::documents, Names::path},
    Route{"DELETE", "/mcp", kNothing, 0, Reading::none, Names::path},
};

int code_of(int status) noexcept {
  if (status == 400) return kMcpInvalidRequest;
  return status >= 500 ? kMcpInternalError : kMcpRefused;
}

// `"jsonrpc":"2.0","id":…,"error":{…`, with the object of the error still open.
std::string begin_error(std::string_view call_id, int code, std::string_view message) {
  std::string out = "\"jsonrpc\":\"2.0\",\"id\":";
  out += call_id.empty() ? "null" : call_id;
  out += ",\"error\":{\"code\":" + std::to_string(code) + ",\"message\":";
  json::append_quoted(out, message);
  return out;
}

std::string error_of(const Problem& problem, const Shown& what, Detail detail) {
  std::string out = begin_error(problem.call_id, code_of(problem.status), what.message);
  out += ",\"data\":" + begin_problem(problem, what, detail);
  add_member(out, "code", what.code);
  return out += "}}";
}

class Mcp final : public Dialect {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "mcp"; }
  [[nodiscard]] std::span<const Route> routes() const noexcept override { return kRoutes; }
  [[nodiscard]] std::span<const Route> model_routes() const noexcept override {
    return kModelRoutes;
  }
  [[nodiscard]] bool plain_parameter(std::string_view) const noexcept override { return false; }
  [[nodiscard]] bool repeats_body(std::string_view field) const noexcept override;

  [[nodiscard]] std::size_t operations() const noexcept override { return 1; }
  [[nodiscard]] std::unique_ptr<RequestDocument> make_request(std::uint8_t) const override {
    return std::make_unique<McpRequest>();
  }
  [[nodiscard]] std::unique_ptr<AnswerDocument> make_answer(std::uint8_t) const override {
    return std::make_unique<JsonAnswer>(std::make_unique<McpWalker>());
  }
  [[nodiscard]] std::unique_ptr<StreamReader> make_stream(std::uint8_t) const override {
    return std::make_unique<JsonStream>(std::make_unique<McpWalker>(), kMaxMcpEventBytes);
  }

  [[nodiscard]] std::string catalogue(std::span<const std::string_view>, bool) const override {
    return std::string(kNoModels);
  }
  [[nodiscard]] std::string_view error_content_type() const noexcept override {
    return "application/json";
  }
  [[nodiscard]] std::string error_body(const Problem& problem, Detail detail) const override {
    const Shown what = shown(problem, detail);
    return begin_problem(problem, what, detail) + "," + error_of(problem, what, detail) + "}";
  }
  [[nodiscard]] std::string stream_error(std::uint8_t, const Problem& problem,
                                         Detail detail) const override {
    std::string out;
    append_event(out, "{" + error_of(problem, shown(problem, detail), detail) + "}");
    return out;
  }
};

// Specification 2026-07-28: arguments and names repeated for whoever routes by them.
bool Mcp::repeats_body(std::string_view field) const noexcept {
  constexpr std::string_view kParam = "mcp-param-";
  return equal_ignoring_case(field.substr(0, kParam.size()), kParam) ||
         equal_ignoring_case(field, "mcp-name");
}

}  // namespace

Result<void> McpRequest::check(NodeId message) {
  if (!is_object(message)) {
    return wrong(message, "a JSON-RPC message must be an object",
                 "send {\"jsonrpc\": \"2.0\", \"id\": …, \"method\": …}");
  }
  const NodeId method = member_of(message, "method");
  if (method != kNoNode && !is_string(method)) {
    return wrong(method, "`method` must be a string", "name a method of the protocol");
  }
  const NodeId id = member_of(message, "id");
  if (!call_id_.empty() || method == kNoNode || id == kNoNode) return {};
  if (!is_string(id) && !index_.is(id, Kind::number)) return {};
  const std::string_view written = slice(index_.source(), whole_span(id));
  if (written.size() <= kMaxCallId) call_id_ = written;
  return {};
}

Result<void> McpRequest::read_settings() {
  if (!is_array(0)) return check(0);
  for (NodeId id = index_.first_child(0); id != kNoNode; id = index_[id].next) {
    DAVY_TRY(check(id));
  }
  return {};
}

void McpRequest::read_text() { read_mcp(index_, Provenance::field, *this); }

void McpRequest::text(NodeId id, Provenance provenance, TextKind kind) {
  emit(id, provenance, kind);
}
void McpRequest::loose(NodeId id, Provenance provenance) { emit_loose(id, provenance); }
void McpRequest::key(NodeId id, Provenance provenance) { look_at_key(id, provenance); }
void McpRequest::spelling(NodeId id, std::string_view key) { look_at_spelling(id, key); }
void McpRequest::spellings(NodeId object) { look_for_twins(object); }
void McpRequest::binary(NodeId id, Provenance provenance) { JsonRequest::binary(id, provenance); }

Result<void> McpWalker::look() {
  read_mcp(*index_, Provenance::tool_result, *this);
  return {};
}

void McpWalker::text(NodeId id, Provenance provenance, TextKind kind) {
  complete(id, false, provenance, kind);
}
void McpWalker::loose(NodeId id, Provenance provenance) {
  complete(id, false, provenance, loose_kind(*index_, id));
}
void McpWalker::key(NodeId id, Provenance provenance) {
  const json::Node& node = (*index_)[id];
  if (!node.has_key || is_plain_key(slice(index_->source(), node.key_span()))) return;
  complete(id, true, provenance, TextKind::structured);
}
void McpWalker::binary(NodeId id, Provenance) { bytes_not_examined_ += index_->raw(id).size(); }

std::string McpWalker::cut() const {
  std::string out;
  append_event(out,
               "{" + begin_error(call_id_, kMcpRefused, "The answer was ended by a rule.") + "}}");
  return out;
}

const Dialect& mcp() noexcept {
  static const Mcp dialect;
  return dialect;
}

}  // namespace davy::dialects
