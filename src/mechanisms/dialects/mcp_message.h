// What stands where in a message of the Model Context Protocol, in both directions: JSON-RPC
// requests, notifications, results and errors of its specifications 2024-11-05 to
// 2026-07-28. A result does not say which request it answers; its members do.
#pragma once

#include <string_view>

#include "core/segment.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// Takes the texts, in the order of the message.
class McpTexts {
 public:
  virtual ~McpTexts() = default;
  virtual void text(json::NodeId string, Provenance provenance, TextKind kind) = 0;
  virtual void loose(json::NodeId string, Provenance provenance) = 0;  // as loose_text.h says
  virtual void key(json::NodeId member, Provenance provenance) = 0;    // plain ones too
  // A member that may be another spelling of a key that is read, and an object whose keys
  // the protocol names (spelling.h).
  virtual void spelling(json::NodeId member, std::string_view key) = 0;
  virtual void spellings(json::NodeId object) = 0;
  // An image, audio or a file in base64.
  virtual void binary(json::NodeId string, Provenance provenance) = 0;
};

// Reads a message or an array of them. `other` is the provenance of what the protocol does
// not describe: field from a caller, tool_result from a server.
void read_mcp(const json::Index& index, Provenance other, McpTexts& texts);

}  // namespace davy::dialects
