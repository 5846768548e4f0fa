#include "mechanisms/dialects/openai_answer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/openai_request.h"
#include "mechanisms/dialects/splice.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

// Where an id, an enumeration or padding stands; `obfuscation` is random letters that
// hide the length of an event.
constexpr std::array kPlainTop = {Name("id"),           Name("object"),
                                  Name("model"),        Name("system_fingerprint"),
                                  Name("service_tier"), Name("obfuscation")};
constexpr std::array kPlainMessage = {Name("role"), Name("id"), Name("type")};
constexpr std::array kPlainChoice = {Name("finish_reason"), Name("native_finish_reason"),
                                     Name("stop_reason")};
constexpr std::array kPlainIds = {Name("id"), Name("type")};

constexpr std::size_t kHashedKeyBytes = 64;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  constexpr std::uint64_t kPrime = 0x100000001B3;  // FNV-1a, 64 bits
  return (hash ^ value) * kPrime;
}

}  // namespace

Error too_many_streams() {
  return limit_reached(
      "the answer has more than " + std::to_string(kMaxStreams) + " texts or tool calls at once",
      {}, "ask for fewer choices");
}

void AnswerWalker::reset() {
  others_.clear();
  choices_.clear();
}

Result<void> AnswerWalker::walk(const json::Index& index) {
  index_ = &index;
  pieces_.clear();
  echoes_.clear();
  bytes_not_examined_ = 0;
  usage_.reset();
  finish_reason_.clear();
  if (!index.is(0, Kind::object)) return others(0, 0, 0);
  for (NodeId id = index.first_child(0); id != kNoNode; id = index[id].next) {
    if (named(id, "choices") && index.is(id, Kind::array)) {
      for (NodeId each = index.first_child(id); each != kNoNode; each = index[each].next) {
        DAVY_TRY(choice(each));
      }
    } else if (named(id, "usage") && index.is(id, Kind::object)) {
      read_usage(id);
    } else if (!is_plain(id, kPlainTop)) {
      DAVY_TRY(others(id, 0, 0));
    }
  }
  return {};
}

void AnswerWalker::read_usage(NodeId id) {
  const auto in = index_->whole_number(index_->member(id, "prompt_tokens"));
  const auto out = index_->whole_number(index_->member(id, "completion_tokens"));
  if (in || out) usage_ = Usage{in.value_or(0), out.value_or(0)};
}

Result<void> AnswerWalker::choice(NodeId id) {
  const std::uint64_t number =
      index_->whole_number(index_->member(id, "index")).value_or(index_->operator[](id).position);
  if (number > std::numeric_limits<std::uint32_t>::max()) return too_many_streams();
  const auto choice = static_cast<std::uint32_t>(number);
  if (std::find(choices_.begin(), choices_.end(), choice) == choices_.end()) {
    if (choices_.size() == kMaxStreams) return too_many_streams();
    choices_.push_back(choice);
  }
  if (!index_->is(id, Kind::object)) return others(id, choice, id);
  for (NodeId child = index_->first_child(id); child != kNoNode; child = (*index_)[child].next) {
    if (named(child, message_) && index_->is(child, Kind::object)) {
      DAVY_TRY(message(child, choice, id));
    } else if (named(child, "logprobs")) {
      if (!index_->is(child, Kind::null)) echoes_.push_back({choice, (*index_)[child].span()});
    } else if (is_plain(child, kPlainChoice)) {
      if (named(child, "finish_reason") && finish_reason_.empty()) {
        finish_reason_ = index_->raw(child);
      }
    } else {
      DAVY_TRY(others(child, choice, id));
    }
  }
  return {};
}

Result<void> AnswerWalker::message(NodeId id, std::uint32_t choice, NodeId top) {
  const auto prose = [choice](std::uint32_t block) {
    return StreamKey{choice, block, Provenance::assistant, TextKind::prose};
  };
  for (NodeId child = index_->first_child(id); child != kNoNode; child = (*index_)[child].next) {
    if (is_string(child) && named(child, "content")) {
      add(child, prose(kContentBlock));
    } else if (is_string(child) && named(child, "refusal")) {
      add(child, prose(kRefusalBlock));
    } else if (named(child, "tool_calls") && index_->is(child, Kind::array)) {
      for (NodeId each = index_->first_child(child); each != kNoNode; each = (*index_)[each].next) {
        DAVY_TRY(tool_call(each, choice, top));
      }
    } else if (named(child, "function_call") && index_->is(child, Kind::object)) {
      DAVY_TRY(tool_call(child, choice, top));
    } else if (named(child, "audio") && index_->is(child, Kind::object)) {
      DAVY_TRY(audio(child, choice, top));
    } else if (is_string(child) && !is_plain(child, kPlainMessage)) {
      DAVY_TRY(other(child, false, choice, top, TextKind::prose));
    } else if (!is_string(child)) {
      DAVY_TRY(others(child, choice, top));
    }
  }
  return {};
}

// A tool call, its `function` or `custom`, or the `function_call` of old.
Result<void> AnswerWalker::tool_call(NodeId id, std::uint32_t choice, NodeId top) {
  const bool numbered = !(*index_)[id].has_key;
  const NodeId outer = numbered ? id : (*index_)[id].parent;
  std::uint64_t number = 0;
  if (!(*index_)[outer].has_key) {
    number =
        index_->whole_number(index_->member(outer, "index")).value_or((*index_)[outer].position);
  }
  if (number >= kMaxStreams) return too_many_streams();
  const auto key = [&](std::uint32_t block) {
    return StreamKey{choice, block + static_cast<std::uint32_t>(number), Provenance::tool_call,
                     TextKind::structured};
  };
  if (!index_->is(id, Kind::object)) return others(id, choice, top);
  for (NodeId child = index_->first_child(id); child != kNoNode; child = (*index_)[child].next) {
    const bool call = named(child, "function") || named(child, "custom");
    if (numbered && call && index_->is(child, Kind::object)) {
      DAVY_TRY(tool_call(child, choice, top));
    } else if (is_string(child) && !numbered &&
               (named(child, "arguments") || named(child, "input"))) {
      add(child, key(kToolCallBlock));
    } else if (is_string(child) && !numbered && named(child, "name")) {
      add(child, key(kToolNameBlock));
    } else if (!is_plain(child, kPlainIds)) {
      DAVY_TRY(others(child, choice, top));
    }
  }
  return {};
}

Result<void> AnswerWalker::audio(NodeId id, std::uint32_t choice, NodeId top) {
  for (NodeId child = index_->first_child(id); child != kNoNode; child = (*index_)[child].next) {
    if (is_string(child) && named(child, "data")) {
      bytes_not_examined_ += index_->raw(child).size();
    } else if (is_string(child) && named(child, "transcript")) {
      DAVY_TRY(other(child, false, choice, top, TextKind::prose));
    } else if (!is_plain(child, kPlainIds)) {
      DAVY_TRY(others(child, choice, top));
    }
  }
  return {};
}

Result<void> AnswerWalker::others(NodeId id, std::uint32_t choice, NodeId top) {
  const NodeId end = index_->end_of(id);
  for (NodeId at = id; at < end; ++at) {
    const json::Node& node = (*index_)[at];
    if (node.has_key && !is_plain_key(slice(index_->source(), node.key_span()))) {
      DAVY_TRY(other(at, true, choice, top, TextKind::structured));
    }
    if (node.kind == Kind::string) {
      DAVY_TRY(other(at, false, choice, top, TextKind::structured));
    }
  }
  return {};
}

Result<void> AnswerWalker::other(NodeId id, bool key, std::uint32_t choice, NodeId top,
                                 TextKind kind) {
  const std::uint64_t place = mix(place_of(id, top), (key ? 1U : 0U) | (top == 0 ? 2U : 0U));
  const auto known = std::find_if(others_.begin(), others_.end(), [&](const Other& each) {
    return each.choice == choice && each.place == place && each.kind == kind;
  });
  const auto number = static_cast<std::uint32_t>(known - others_.begin());
  if (known == others_.end()) {
    if (others_.size() == kMaxStreams) return too_many_streams();
    others_.push_back({choice, kind, place});
  }
  const StreamKey stream{choice, kOtherBlock + number, Provenance::assistant, kind};
  const json::Node& node = (*index_)[id];
  if (key) {
    pieces_.push_back({stream, node.key_span(), node.key_has_escapes, true});
  } else {
    add(id, stream);
  }
  return {};
}

// Two places with the same number would only be read as one stream.
std::uint64_t AnswerWalker::place_of(NodeId id, NodeId top) const noexcept {
  std::uint64_t hash = 0;
  for (; id != top && id != kNoNode; id = (*index_)[id].parent) {
    const json::Node& node = (*index_)[id];
    const std::string_view key = slice(index_->source(), node.key_span());
    hash = mix(hash, node.has_key ? key.size() : node.position);
    for (const char c : key.substr(0, kHashedKeyBytes))
      hash = mix(hash, static_cast<std::uint8_t>(c));
  }
  return hash;
}

void AnswerWalker::add(NodeId id, const StreamKey& key) {
  const json::Node& node = (*index_)[id];
  if (!node.span().empty()) pieces_.push_back({key, node.span(), node.has_escapes, false});
}

bool AnswerWalker::is_plain(NodeId id, std::span<const std::string_view> names) const {
  return is_string(id) && is_identifier(index_->raw(id)) &&
         std::any_of(names.begin(), names.end(), [&](Name name) { return named(id, name); });
}

StreamTable::Stream* StreamTable::find(const StreamKey& key) {
  for (Stream& stream : streams_) {
    if (stream.key == key) return &stream;
  }
  if (streams_.size() == kMaxStreams) return nullptr;
  streams_.push_back({key, 0, 0});
  return &streams_.back();
}

void OpenAiAnswer::clear() {
  arena_.clear();
  segments_.clear();
  sources_.clear();
  streams_.reset();
  walker_.reset();
  usage_.reset();
  finish_reason_ = {};
}

Result<void> OpenAiAnswer::read_account(std::string_view body) {
  clear();
  if (skim(body)) return {};
  return read(body);
}

bool OpenAiAnswer::skim(std::string_view body) {
  json::Skim skim(body);
  if (!skim.enter_object()) return false;
  bool choices = false;
  bool usage = false;
  for (std::string_view key; skim.next_member(key);) {
    // A key that comes twice is for the index to refuse.
    if (key == "choices") {
      if (std::exchange(choices, true) || !skim_choices(skim)) return false;
    } else if (key == "usage") {
      if (std::exchange(usage, true) || !skim_usage(skim)) return false;
    } else {
      skim.skip();
    }
  }
  return skim.done();
}

bool OpenAiAnswer::skim_choices(json::Skim& skim) {
  if (!skim.enter_array()) {
    skim.skip();
    return true;
  }
  while (skim.next_element()) {
    if (!skim.enter_object()) {
      skim.skip();
      continue;
    }
    bool seen = false;
    for (std::string_view key; skim.next_member(key);) {
      if (key != "finish_reason") {
        skim.skip();
        continue;
      }
      if (std::exchange(seen, true)) return false;
      const bool text = skim.peek() == '"';
      const auto reason = skim.scalar();
      if (!reason) skim.skip();
      if (text && reason && is_identifier(*reason) && finish_reason_.empty()) {
        finish_reason_ = *reason;
      }
    }
  }
  return true;
}

bool OpenAiAnswer::skim_usage(json::Skim& skim) {
  if (!skim.enter_object()) {
    skim.skip();
    return true;
  }
  std::optional<std::uint64_t> in;
  std::optional<std::uint64_t> out;
  bool seen_in = false;
  bool seen_out = false;
  for (std::string_view key; skim.next_member(key);) {
    if (key == "prompt_tokens") {
      if (std::exchange(seen_in, true)) return false;
      in = skim.whole_number();
    } else if (key == "completion_tokens") {
      if (std::exchange(seen_out, true)) return false;
      out = skim.whole_number();
    } else {
      skim.skip();
    }
  }
  if (in || out) usage_ = Usage{in.value_or(0), out.value_or(0)};
  return true;
}

Result<void> OpenAiAnswer::read(std::string_view body) {
  clear();
  json::Limits limits;
  // Models do emit halves of characters; an answer should not fail for it.
  limits.surrogates = json::Surrogates::replace;
  DAVY_TRY(index_.parse(body, limits));
  DAVY_TRY(walker_.walk(index_));
  usage_ = walker_.usage();
  finish_reason_ = walker_.finish_reason();
  for (const AnswerWalker::Piece& piece : walker_.pieces()) {
    StreamTable::Stream* const stream = streams_.find(piece.key);
    if (stream == nullptr) return too_many_streams();
    const std::string_view raw = slice(body, piece.source);
    const std::string_view text = piece.has_escapes ? json::decode(raw, arena_) : raw;
    segments_.push_back({piece.key, stream->offset, text, false});
    sources_.push_back(piece.source);
    stream->offset += text.size();
  }
  for (StreamSegment& segment : segments_) {
    segment.last = segment.offset + segment.text.size() == streams_.find(segment.key)->offset;
  }
  return {};
}

Result<std::string> OpenAiAnswer::apply(std::span<const StreamEdit> edits) const {
  return edit_streams(index_.source(), segments_, sources_, walker_.echoes(), edits, Reach::whole);
}

}  // namespace davy::dialects
