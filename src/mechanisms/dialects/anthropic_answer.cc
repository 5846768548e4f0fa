#include "mechanisms/dialects/anthropic_answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mechanisms/dialects/anthropic.h"
#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/sse.h"
#include "mechanisms/dialects/token_count.h"

namespace davy::dialects {
namespace {

using json::kNoNode;
using Name = std::string_view;

// Where an id or an enumeration stands.
constexpr std::array kPlainMessage = {Name("id"), Name("type"), Name("role"), Name("model"),
                                      Name("request_id")};
constexpr std::array kPlainReason = {Name("stop_reason")};
constexpr std::array kPlainBlock = {Name("type"), Name("id"), Name("tool_use_id")};
constexpr std::array kPlainInBlock = {Name("type"), Name("tool_id"), Name("file_id"),
                                      Name("media_type")};
constexpr std::array kPlainUsage = {Name("type"), Name("service_tier"), Name("inference_geo"),
                                    Name("speed"), Name("model")};
constexpr std::array kPlainContainer = {Name("id"), Name("type"), Name("expires_at"),
                                        Name("skill_id"), Name("version")};
constexpr std::array kPlainDetail = {Name("type"), Name("category")};

// An upstream that opens and closes blocks for ever is stopped there.
constexpr std::size_t kMaxSteps = std::size_t{4} * kMaxStreams;

// For clients that have seen no message begin.
constexpr std::string_view kEmptyMessage =
    R"({"type":"message_start","message":{"id":"","type":"message","role":"assistant","model":"",)"
    R"("content":[],"stop_reason":null,"stop_sequence":null,)"
    R"("usage":{"input_tokens":0,"output_tokens":0}}})";

StreamKey key(std::uint32_t kind, std::uint32_t number, Provenance provenance, TextKind text) {
  return {0, kind + number, provenance, text};
}
StreamKey text_key(std::uint32_t number) {
  return key(kAnthropicText, number, Provenance::assistant, TextKind::prose);
}
StreamKey thinking_key(std::uint32_t number) {
  return key(kAnthropicThinking, number, Provenance::assistant, TextKind::prose);
}
StreamKey input_key(std::uint32_t number) {
  return key(kAnthropicToolInput, number, Provenance::tool_call, TextKind::structured);
}
StreamKey name_key(std::uint32_t number) {
  return key(kAnthropicToolName, number, Provenance::tool_call, TextKind::structured);
}

bool has_odd_key(const json::Index& index, json::NodeId id) {
  const json::Node& node = index[id];
  return node.has_key && !is_plain_key(slice(index.source(), node.key_span()));
}

// The iteration whose counts stand beside `iterations` too.
constexpr std::string_view kMessageItself = "message";
constexpr std::array kCounts = {Name("input_tokens"), Name("output_tokens"),
                                Name("cache_creation_input_tokens"),
                                Name("cache_read_input_tokens")};

}  // namespace

std::optional<std::uint64_t>* AnthropicUsage::find(std::string_view name) noexcept {
  if (name == "input_tokens") return &input;
  if (name == "output_tokens") return &output;
  if (name == "cache_creation_input_tokens") return &created;
  if (name == "cache_read_input_tokens") return &read;
  return nullptr;
}

std::optional<Usage> AnthropicUsage::sum() const noexcept {
  if (!input && !created && !read && !output && beside == Usage{}) return std::nullopt;
  const std::uint64_t prompt =
      add_tokens(add_tokens(input.value_or(0), created.value_or(0)), read.value_or(0));
  return Usage{add_tokens(prompt, beside.prompt_tokens),
               add_tokens(output.value_or(0), beside.completion_tokens),
               add_tokens(read.value_or(0), beside.cached_prompt_tokens)};
}

void AnthropicUsage::add(std::string_view type, const AnthropicUsage& iteration) noexcept {
  const auto more = iteration.sum();
  if (type == kMessageItself || !more) return;
  beside.prompt_tokens = add_tokens(beside.prompt_tokens, more->prompt_tokens);
  beside.completion_tokens = add_tokens(beside.completion_tokens, more->completion_tokens);
  beside.cached_prompt_tokens = add_tokens(beside.cached_prompt_tokens, more->cached_prompt_tokens);
}

void AnthropicWalker::forget() {
  steps_.clear();
  told_ = {};
}

AnthropicWalker::Type AnthropicWalker::type_of(NodeId id) const {
  struct Named {
    Name name;
    Type type;
  };
  constexpr std::array kTypes = {
      Named{"content_block_delta", Type::delta}, Named{"message_start", Type::start},
      Named{"content_block_start", Type::open},  Named{"content_block_stop", Type::close},
      Named{"message_delta", Type::end_message}, Named{"message_stop", Type::stop}};
  if (!is_string(id)) return Type::message;
  for (const Named& each : kTypes) {
    if (index_->string_is(id, each.name)) return each.type;
  }
  return Type::message;
}

Result<void> AnthropicWalker::look() {
  const Type type = is_object(0) ? type_of(index_->member(0, "type")) : Type::message;
  // What nobody knows may be a piece of something.
  goes_on_ = type == Type::message && of_ == Of::stream;
  if (!is_object(0)) return rest(0, {});
  if (type == Type::message) return message(0);

  std::uint32_t number = 0;
  if (type == Type::start) DAVY_TRY(step(Step::What::message, 0));
  if (type == Type::open || type == Type::delta || type == Type::close) {
    DAVY_ASSIGN(number, block_number());
    group_ = number + 1;
  }
  if (type == Type::open) DAVY_TRY(step(Step::What::open, number));
  for (NodeId id = first_child(0); id != kNoNode; id = next(id)) {
    if (type == Type::start && is_object(id) && named(id, "message")) {
      DAVY_TRY(message(id));
    } else if (type == Type::open && is_object(id) && named(id, "content_block")) {
      DAVY_TRY(block(id, number));
    } else if (type == Type::delta && is_object(id) && named(id, "delta")) {
      DAVY_TRY(delta(id, number));
    } else if (type == Type::end_message && is_object(id) && named(id, "delta")) {
      DAVY_TRY(message(id));
    } else if (is_object(id) && named(id, "usage")) {
      DAVY_TRY(read_usage(id));
    } else if (!is_plain(id, kPlainMessage)) {
      DAVY_TRY(rest(id, kPlainInBlock));
    }
  }
  if (type == Type::close) {
    for (const StreamKey& each :
         {text_key(number), thinking_key(number), input_key(number), name_key(number)}) {
      end_stream(each);
    }
    end_group(group_);
    DAVY_TRY(step(Step::What::close, number));
  }
  ended_ = type == Type::stop;
  return {};
}

Result<void> AnthropicWalker::step(Step::What what, std::uint32_t block) {
  if (steps_.size() == kMaxSteps) return too_many_streams();
  steps_.push_back({what, block});
  mark_ = static_cast<std::uint32_t>(steps_.size());
  return {};
}

Result<std::uint32_t> AnthropicWalker::block_number() const {
  const std::uint64_t number = index_->whole_number(index_->member(0, "index")).value_or(0);
  if (number >= kMaxStreams) return too_many_streams();
  return static_cast<std::uint32_t>(number);
}

// A whole message, what a stream begins with, or what is told at its end.
Result<void> AnthropicWalker::message(NodeId id) {
  for (NodeId child = first_child(id); child != kNoNode; child = next(child)) {
    if (is_array(child) && named(child, "content")) {
      std::uint32_t number = 0;
      for (NodeId each = first_child(child); each != kNoNode; each = next(each), ++number) {
        if (number == kMaxStreams) return too_many_streams();
        group_ = number + 1;
        DAVY_TRY(block(each, number));
      }
      group_ = 0;
    } else if (is_plain(child, kPlainReason)) {
      finish_reason_ = index_->raw(child);
    } else if (is_object(child) && named(child, "usage")) {
      DAVY_TRY(read_usage(child));
    } else if (named(child, "container")) {
      DAVY_TRY(rest(child, kPlainContainer));
    } else if (!is_plain(child, kPlainMessage)) {
      DAVY_TRY(rest(child, kPlainDetail));
    }
  }
  return {};
}

Result<void> AnthropicWalker::block(NodeId id, std::uint32_t number) {
  if (!is_object(id)) return rest(id, {});
  const NodeId type = index_->member(id, "type");
  const auto is = [this, type](Name name) {
    return is_string(type) && index_->string_is(type, name);
  };
  const bool tool = is("tool_use") || is("server_tool_use") || is("mcp_tool_use");
  for (NodeId child = first_child(id); child != kNoNode; child = next(child)) {
    const bool secret = is_string(child) && is_base64(index_->raw(child));
    if (is_string(child) && named(child, "text") && is("text")) {
      add(child, text_key(number));
    } else if (is_string(child) && named(child, "thinking") && is("thinking")) {
      add(child, thinking_key(number));
    } else if (tool && is_string(child) && named(child, "name")) {
      add(child, name_key(number));
    } else if (tool && named(child, "input")) {
      tool_input(child);
    } else if (secret && named(child, "signature") && (is("thinking") || is("compaction"))) {
      // Vouches for a text and holds none.
    } else if (secret && named(child, "data") && is("redacted_thinking")) {
      bytes_not_examined_ += index_->raw(child).size();
    } else if (!is_plain(child, kPlainBlock)) {
      DAVY_TRY(rest(child, kPlainInBlock));
    }
  }
  return {};
}

Result<void> AnthropicWalker::delta(NodeId id, std::uint32_t number) {
  const NodeId type = index_->member(id, "type");
  const auto is = [this, type](Name name) {
    return is_string(type) && index_->string_is(type, name);
  };
  for (NodeId child = first_child(id); child != kNoNode; child = next(child)) {
    if (is_string(child) && named(child, "text") && is("text_delta")) {
      add(child, text_key(number));
    } else if (is_string(child) && named(child, "thinking") && is("thinking_delta")) {
      add(child, thinking_key(number));
    } else if (is_string(child) && named(child, "partial_json") && is("input_json_delta")) {
      add(child, input_key(number));
    } else if (is_string(child) && named(child, "signature") && is("signature_delta") &&
               is_base64(index_->raw(child))) {
      // As in block().
    } else {
      goes_on_ = !is("citations_delta");
      DAVY_TRY(rest(child, kPlainInBlock));
    }
  }
  return {};
}

void AnthropicWalker::tool_input(NodeId id) {
  const NodeId end = index_->end_of(id);
  for (NodeId at = id; at < end; ++at) {
    if (has_odd_key(*index_, at)) complete(at, true, Provenance::tool_call, TextKind::structured);
    if (is_string(at)) complete(at, false, Provenance::tool_call, TextKind::structured);
  }
}

Result<void> AnthropicWalker::read_usage(NodeId id) {
  bool told = false;
  for (NodeId child = first_child(id); child != kNoNode; child = next(child)) {
    if (is_array(child) && named(child, "iterations")) {
      read_iterations(child);
      told = true;
    }
    const auto count = token_count(index_->whole_number(child));
    if (!count) continue;
    for (const Name name : kCounts) {
      if (!named(child, name)) continue;
      *told_.find(name) = count;
      told = true;
    }
  }
  if (told) usage_ = told_.sum();
  return rest(id, kPlainUsage);
}

void AnthropicWalker::read_iterations(NodeId id) {
  told_.beside = {};
  for (NodeId each = first_child(id); each != kNoNode; each = next(each)) {
    if (!is_object(each)) continue;
    AnthropicUsage iteration;
    for (const Name name : kCounts) {
      *iteration.find(name) = token_count(index_->whole_number(index_->member(each, name)));
    }
    const NodeId type = index_->member(each, "type");
    told_.add(is_string(type) ? index_->raw(type) : Name(), iteration);
  }
}

Result<void> AnthropicWalker::rest(NodeId id, Plain plain) {
  const auto found = [this](NodeId at, bool key) -> Result<void> {
    if (goes_on_) return other(at, key, 0, 0, TextKind::structured);
    complete(at, key, Provenance::assistant, TextKind::structured);
    return {};
  };
  const NodeId end = index_->end_of(id);
  for (NodeId at = id; at < end; ++at) {
    if (has_odd_key(*index_, at)) DAVY_TRY(found(at, true));
    if (is_string(at) && !is_plain(at, plain) && !sealed(at)) DAVY_TRY(found(at, false));
  }
  return {};
}

bool AnthropicWalker::sealed(NodeId id) {
  if (!is_base64(index_->raw(id))) return false;
  if (named(id, "encrypted_index")) return true;  // points to a text and holds none
  bool bytes = named(id, "encrypted_content") || named(id, "encrypted_stdout");
  if (!bytes && named(id, "data")) {
    const NodeId type = index_->member((*index_)[id].parent, "type");
    bytes = is_string(type) && index_->string_is(type, "base64");
  }
  if (bytes) bytes_not_examined_ += index_->raw(id).size();
  return bytes;
}

std::string AnthropicWalker::cut() const {
  bool begun = false;
  std::vector<std::uint32_t> open;
  const std::size_t seen = std::min<std::size_t>(delivered_.value_or(mark_), steps_.size());
  for (std::size_t i = 0; i < seen; ++i) {
    const Step& each = steps_[i];
    begun = begun || each.what == Step::What::message;
    if (each.what != Step::What::message) std::erase(open, each.block);
    if (each.what == Step::What::open) open.push_back(each.block);
  }
  std::string out;
  if (!begun) append_named_event(out, "message_start", kEmptyMessage);
  for (const std::uint32_t block : open) {
    append_named_event(out, "content_block_stop",
                       "{\"type\":\"content_block_stop\",\"index\":" + std::to_string(block) + "}");
  }
  append_named_event(
      out, "message_delta",
      R"({"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},)"
      R"("usage":{"output_tokens":)" +
          std::to_string(told_.output.value_or(0)) + "}}");
  append_named_event(out, "message_stop", R"({"type":"message_stop"})");
  return out;
}

bool AnthropicAnswer::skim(std::string_view body) {
  json::Skim skim(body);
  if (!skim.enter_object()) return false;
  bool type = false;
  bool reason = false;
  bool usage = false;
  for (std::string_view name; skim.next_member(name);) {
    // A key that comes twice is for the index to refuse.
    if (name == "type") {
      // Events have their account elsewhere.
      if (std::exchange(type, true) || skim.scalar() != "message") return false;
    } else if (name == "stop_reason") {
      if (std::exchange(reason, true)) return false;
      const bool text = skim.peek() == '"';
      const auto value = skim.scalar();
      if (!value) skim.skip();
      if (text && value && is_identifier(*value)) finish_reason_ = *value;
    } else if (name == "usage") {
      if (std::exchange(usage, true) || !skim_usage(skim)) return false;
    } else {
      skim.skip();
    }
  }
  return skim.done();
}

bool AnthropicAnswer::skim_usage(json::Skim& skim) {
  if (!skim.enter_object()) {
    skim.skip();
    return true;
  }
  AnthropicUsage told;
  AnthropicUsage seen;
  bool seen_iterations = false;
  for (std::string_view name; skim.next_member(name);) {
    if (name == "iterations") {
      if (std::exchange(seen_iterations, true) || !skim_iterations(skim, told)) return false;
      continue;
    }
    std::optional<std::uint64_t>* const count = told.find(name);
    if (count == nullptr) {
      skim.skip();
    } else if (seen.find(name)->has_value()) {
      return false;
    } else {
      *seen.find(name) = 0;
      *count = token_count(skim.whole_number());
    }
  }
  usage_ = told.sum();
  return true;
}

bool AnthropicAnswer::skim_iterations(json::Skim& skim, AnthropicUsage& told) {
  if (!skim.enter_array()) {
    skim.skip();
    return true;
  }
  while (skim.next_element()) {
    if (!skim.enter_object()) {
      skim.skip();
      continue;
    }
    AnthropicUsage iteration;
    AnthropicUsage seen;
    bool seen_type = false;
    std::string_view type;
    for (std::string_view name; skim.next_member(name);) {
      std::optional<std::uint64_t>* const count = iteration.find(name);
      if (name == "type") {
        if (std::exchange(seen_type, true)) return false;
        if (skim.peek() == '"') {
          type = skim.scalar().value_or("");
        } else {
          skim.skip();
        }
      } else if (count == nullptr) {
        skim.skip();
      } else if (seen.find(name)->has_value()) {
        return false;
      } else {
        *seen.find(name) = 0;
        *count = token_count(skim.whole_number());
      }
    }
    told.add(type, iteration);
  }
  return true;
}

}  // namespace davy::dialects
