#include "mechanisms/dialects/openai_answer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/openai_usage.h"
#include "mechanisms/dialects/sse.h"

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

constexpr std::string_view kDone = "[DONE]";
constexpr std::size_t kMaxHeadValue = 256;  // longer ids are not repeated in events of ours

}  // namespace

void OpenAiWalker::forget() {
  choices_.clear();
  id_.clear();
  model_.clear();
  created_.clear();
}

Result<void> OpenAiWalker::look() {
  const json::Index& index = *index_;
  if (!index.is(0, Kind::object)) return others(0, 0, 0);
  remember_head();
  for (NodeId id = index.first_child(0); id != kNoNode; id = index[id].next) {
    if (named(id, "choices") && index.is(id, Kind::array)) {
      only_usage_ = index.first_child(id) == kNoNode;
      for (NodeId each = index.first_child(id); each != kNoNode; each = index[each].next) {
        DAVY_TRY(choice(each));
      }
    } else if (named(id, "usage") && index.is(id, Kind::object)) {
      usage_ = read_usage(index, id, kTokensOfChat);
    } else if (!is_plain(id, kPlainTop)) {
      DAVY_TRY(others(id, 0, 0));
    }
  }
  only_usage_ = only_usage_ && usage_.has_value();
  return {};
}

Result<void> OpenAiWalker::choice(NodeId id) {
  const std::uint64_t number =
      index_->whole_number(index_->member(id, "index")).value_or(index_->operator[](id).position);
  if (number > std::numeric_limits<std::uint32_t>::max()) return too_many_streams();
  const auto choice = static_cast<std::uint32_t>(number);
  if (std::find(choices_.begin(), choices_.end(), choice) == choices_.end()) {
    if (choices_.size() == kMaxStreams) return too_many_streams();
    choices_.push_back(choice);
    mark_ = static_cast<std::uint32_t>(choices_.size());
  }
  if (!index_->is(id, Kind::object)) return others(id, choice, id);
  for (NodeId child = index_->first_child(id); child != kNoNode; child = (*index_)[child].next) {
    if (form_ == Form::text && named(child, "text") && is_string(child)) {
      add(child, {choice, kContentBlock, Provenance::assistant, TextKind::prose});
    } else if (form_ != Form::text && is_object(child) &&
               named(child, form_ == Form::delta ? "delta" : "message")) {
      DAVY_TRY(message(child, choice, id));
    } else if (named(child, "logprobs") && (is_object(child) || is_array(child))) {
      echoes_.push_back({choice, (*index_)[child].span()});
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

Result<void> OpenAiWalker::message(NodeId id, std::uint32_t choice, NodeId top) {
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
Result<void> OpenAiWalker::tool_call(NodeId id, std::uint32_t choice, NodeId top) {
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

Result<void> OpenAiWalker::audio(NodeId id, std::uint32_t choice, NodeId top) {
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

void OpenAiWalker::remember_head() {
  if (!id_.empty() || index_->nodes().empty()) return;
  const auto keep = [this](std::string_view key, json::Kind kind, std::string& out) {
    const json::NodeId id = index_->member(0, key);
    if (!index_->is(id, kind) || index_->raw(id).size() > kMaxHeadValue) return;
    out = index_->raw(id);
  };
  keep("id", json::Kind::string, id_);
  keep("model", json::Kind::string, model_);
  keep("created", json::Kind::number, created_);
}

std::string OpenAiWalker::cut() const {
  constexpr std::array<std::uint32_t, 1> kFirstChoice = {0};
  std::span<const std::uint32_t> choices(choices_.data(),
                                         std::min(delivered_.value_or(mark_), mark_));
  if (choices.empty()) choices = kFirstChoice;
  std::string out;
  for (const std::uint32_t choice : choices) {
    std::string data = "{\"id\":\"" + id_ + "\",\"object\":\"" +
                       (form_ == Form::text ? "text_completion" : "chat.completion.chunk") +
                       "\",\"created\":" + (created_.empty() ? "0" : created_) + ",\"model\":\"" +
                       model_ + "\",\"choices\":[{\"index\":" + std::to_string(choice) +
                       (form_ == Form::text ? ",\"text\":\"\"" : ",\"delta\":{}") +
                       ",\"logprobs\":null,\"finish_reason\":\"content_filter\"}]}";
    append_event(out, data);
  }
  append_event(out, kDone);
  return out;
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
      if (std::exchange(usage, true) || !skim_usage(skim, kTokensOfChat, usage_)) return false;
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

}  // namespace davy::dialects
