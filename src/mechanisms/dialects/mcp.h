// MCP, the Model Context Protocol, over streamable HTTP: JSON-RPC 2.0 at one address with
// POST, GET and DELETE; its specifications 2025-03-26 to 2026-07-28, and the messages of
// 2024-11-05. The upstream's base path is that address.
//
// Provenance, in both directions (mcp_message.cc has the table):
// - tool_call: the name and the arguments of tools/call, and a tool_use;
// - tool_result: content, structuredContent and errors, and of a server all that the
//   protocol does not describe, log messages and progress too;
// - document: what describes tools, prompts, resources and the server itself
//   (`instructions`), the contents of resources, completions, schemas of a question;
// - user: arguments of prompts/get and completion/complete, answers to an elicitation;
// - by role: messages of a prompt, of sampling and of its result; systemPrompt → system;
// - field: all else that a caller sends.
// Kinds: texts, titles and descriptions are prose, names structured, arguments and whatever
// has no form of its own as in loose_text.h. Passed on without a look are only identifiers
// where the table says plain: methods, ids, versions, types, roles, levels and the like.
//
// Each text of an answer is complete in itself: a stream that lasts for hours takes no more
// memory than its longest event. Images, audio and blobs count as not examined.
//
// An error is a JSON-RPC error with the id of the call where it is known (of a batch: of
// the first call), joined with the members of RFC 9457; inside a stream it is a JSON-RPC
// error alone, since some clients take nothing else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "mechanisms/dialects/answer_walker.h"
#include "mechanisms/dialects/dialect.h"
#include "mechanisms/dialects/json_request.h"
#include "mechanisms/dialects/mcp_message.h"

namespace davy::dialects {

// A result with a picture of some megabytes is one event.
inline constexpr std::size_t kMaxMcpEventBytes = 16 * 1024 * 1024;

// JSON-RPC error codes. What the gateway refuses: of the range that MCP leaves to
// implementations (-32000 to -32019), away from those that SDKs use for themselves.
inline constexpr int kMcpRefused = -32010;
inline constexpr int kMcpInvalidRequest = -32600;
inline constexpr int kMcpInternalError = -32603;

class McpRequest final : public JsonRequest, private McpTexts {
 private:
  [[nodiscard]] Result<void> read_settings() override;
  void read_text() override;
  [[nodiscard]] Result<void> check(NodeId message);

  void text(NodeId id, Provenance provenance, TextKind kind) override;
  void loose(NodeId id, Provenance provenance) override;
  void key(NodeId id, Provenance provenance) override;
  void spelling(NodeId id, std::string_view key) override;
  void spellings(NodeId object) override;
  void binary(NodeId id, Provenance provenance) override;
};

class McpWalker final : public AnswerWalker, private McpTexts {
 public:
  void answers(std::string_view call_id) override { call_id_ = call_id; }
  [[nodiscard]] std::string cut() const override;

 private:
  [[nodiscard]] Result<void> look() override;
  void forget() override { call_id_.clear(); }

  void text(NodeId id, Provenance provenance, TextKind kind) override;
  void loose(NodeId id, Provenance provenance) override;
  void key(NodeId id, Provenance provenance) override;
  void spelling(NodeId, std::string_view) override {}  // an answer is judged by nothing else
  void spellings(NodeId) override {}
  void binary(NodeId id, Provenance provenance) override;

  std::string call_id_;
};

[[nodiscard]] const Dialect& mcp() noexcept;

}  // namespace davy::dialects
