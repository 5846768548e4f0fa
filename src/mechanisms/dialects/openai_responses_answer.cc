#include "mechanisms/dialects/openai_responses_answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/openai.h"
#include "mechanisms/dialects/openai_usage.h"
#include "mechanisms/formats/json_text.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

// Where an id, an enumeration or padding stands.
constexpr std::array kPlainEvent = {Name("type"),        Name("item_id"),       Name("event_id"),
                                    Name("obfuscation"), Name("output_format"), Name("background"),
                                    Name("quality"),     Name("size"),          Name("status")};
constexpr std::array kPlainResponse = {Name("id"),
                                       Name("object"),
                                       Name("model"),
                                       Name("status"),
                                       Name("truncation"),
                                       Name("service_tier"),
                                       Name("tool_choice"),
                                       Name("previous_response_id"),
                                       Name("prompt_cache_retention")};
constexpr std::array kPlainItem = {
    Name("type"),     Name("id"),    Name("status"),       Name("role"),
    Name("call_id"),  Name("phase"), Name("container_id"), Name("approval_request_id"),
    Name("execution")};
constexpr std::array kPlainIds = {Name("type"), Name("file_id"), Name("container_id")};
constexpr std::array kPlainOptions = {Name("type"),   Name("mode"),    Name("model"),
                                      Name("effort"), Name("summary"), Name("verbosity")};

// What a response repeats of its request.
constexpr std::array kRepeated = {Name("metadata"),
                                  Name("text"),
                                  Name("prompt"),
                                  Name("tool_choice"),
                                  Name("reasoning"),
                                  Name("user"),
                                  Name("safety_identifier"),
                                  Name("prompt_cache_key"),
                                  Name("conversation")};
constexpr std::array kAsked = {Name("arguments"), Name("input"), Name("action"), Name("actions"),
                               Name("operation"), Name("code"),  Name("query"),  Name("queries")};
constexpr std::array kGiven = {Name("output"), Name("outputs"), Name("result"), Name("results"),
                               Name("error")};
// Base64 of pictures and of what only its maker can read.
constexpr std::array kHidden = {Name("encrypted_content"), Name("partial_image_b64"),
                                Name("b64_json")};

// Blocks of an item of a whole answer, each plus the part's number. The name of a tool is
// at kToolNameBlock.
constexpr std::uint32_t kParts = kContentBlock;
constexpr std::uint32_t kSummaries = 0x1000'0000;
constexpr std::uint32_t kArguments = 0x2000'0000;
constexpr std::uint32_t kRefusals = 0x3000'0000;

}  // namespace

void OpenAiResponsesWalker::forget() {
  live_.clear();
  lives_ = 0;
  sequence_ = 0;
  id_.clear();
  model_.clear();
  created_.clear();
}

Result<void> OpenAiResponsesWalker::look() {
  item_ = 0;
  if (!is_object(0)) {
    all(0, {});
  } else if (of_ == Of::events) {
    return event();
  } else {
    response(0);
  }
  return {};
}

Result<void> OpenAiResponsesWalker::event() {
  ++mark_;
  std::string type;
  if (const NodeId id = index_->member(0, "type"); is_string(id)) {
    json::append_decoded(type, index_->raw(id));
  }
  const auto number = [this](Name name) { return index_->whole_number(index_->member(0, name)); };
  if (const auto sequence = number("sequence_number")) sequence_ = *sequence + 1;
  const std::size_t dot = std::min(type.rfind('.'), type.size());
  const Name subject = Name(type).substr(0, dot);
  const Name step = Name(type).substr(std::min(dot + 1, type.size()));

  item_place_ = mix(0, number("output_index").value_or(0));
  if (const NodeId id = index_->member(0, "item_id"); !number("output_index") && is_string(id)) {
    for (const char c : index_->raw(id))
      item_place_ = mix(item_place_, static_cast<std::uint8_t>(c));
  }
  text_place_ = item_place_;
  for (const char c : subject) text_place_ = mix(text_place_, static_cast<std::uint8_t>(c));
  for (const Name name : {"content_index", "summary_index", "command_index"}) {
    text_place_ = mix(text_place_, number(name).value_or(0));
  }

  const Voice voice = voice_of(subject);
  for (NodeId id = first_child(0); id != kNoNode; id = next(id)) {
    DAVY_TRY(of_event(id, voice, step));
  }
  if (step == "done") end_live(&Live::text, text_place_);
  if (type == "response.output_item.done") end_live(&Live::item, item_place_);
  ended_ = subject == "response" &&
           (step == "completed" || step == "incomplete" || step == "failed" || step == "cancelled");
  if (!ended_) finish_reason_.clear();
  return {};
}

Result<void> OpenAiResponsesWalker::of_event(NodeId member, const Voice& voice,
                                             std::string_view step) {
  if (is_object(member) && named(member, "response")) {
    remember(member);
    response(member);
  } else if (is_object(member) && named(member, "item")) {
    item(member, 0);
  } else if (is_object(member) && named(member, "part")) {
    part(member, kParts);
  } else if (step == "delta" && named(member, "delta")) {
    return delta(member, voice);
  } else if (named(member, "logprobs")) {
    logprobs(member);
  } else if (!is_plain(member, kPlainEvent)) {
    all(member,
        {voice.provenance, voice.kind == TextKind::binary ? TextKind::structured : voice.kind});
  }
  return {};
}

// By the form of the name, so that events which are not known yet have a likely voice.
OpenAiResponsesWalker::Voice OpenAiResponsesWalker::voice_of(std::string_view subject) noexcept {
  if (subject == "response.audio") return {Provenance::assistant, TextKind::binary};
  if (subject.find("_call_output") != Name::npos) return {Provenance::tool_result, TextKind::prose};
  if (subject.find("_call") != Name::npos) {
    return {Provenance::tool_call,
            subject.ends_with("_code") ? TextKind::code : TextKind::structured};
  }
  for (const Name prose : {"text", "refusal", "transcript"}) {
    if (subject.ends_with(prose)) return {Provenance::assistant, TextKind::prose};
  }
  return {};
}

Result<void> OpenAiResponsesWalker::delta(NodeId id, const Voice& voice) {
  const NodeId end = index_->end_of(id);
  for (NodeId at = id; at < end; ++at) {
    const json::Node& node = (*index_)[at];
    if (at != id && node.has_key && !is_plain_key(slice(index_->source(), node.key_span()))) {
      complete(at, true, voice.provenance, TextKind::structured);
    }
    if (is_string(at)) DAVY_TRY(live_text(at, id, voice));
  }
  return {};
}

Result<void> OpenAiResponsesWalker::live_text(NodeId id, NodeId top, const Voice& voice) {
  Voice said = voice;
  if (voice.kind == TextKind::binary) {
    if (is_base64(index_->raw(id))) {
      bytes_not_examined_ += index_->raw(id).size();
      return {};
    }
    said.kind = TextKind::structured;
  }
  const std::uint64_t place = place_of(id, top);
  const auto known = std::find_if(live_.begin(), live_.end(), [&](const Live& each) {
    return each.text == text_place_ && each.place == place && each.key.kind == said.kind;
  });
  if (known != live_.end()) {
    add(id, known->key);
    return {};
  }
  if (live_.size() == kMaxStreams || lives_ == kOtherBlock - 1) return too_many_streams();
  const StreamKey key{0, lives_++, said.provenance, said.kind};
  live_.push_back({item_place_, text_place_, place, key});
  add(id, key);
  return {};
}

void OpenAiResponsesWalker::end_live(std::uint64_t Live::*what, std::uint64_t number) {
  std::erase_if(live_, [&](const Live& each) {
    if (each.*what != number) return false;
    end_stream(each.key);
    return true;
  });
}

void OpenAiResponsesWalker::response(NodeId id) {
  const NodeId details = index_->member(id, "incomplete_details");
  for (const NodeId reason : {index_->member(id, "status"), index_->member(details, "reason")}) {
    if (is_string(reason) && is_identifier(index_->raw(reason))) {
      finish_reason_ = index_->raw(reason);
    }
  }
  for (NodeId member = first_child(id); member != kNoNode; member = next(member)) {
    of_response(member);
  }
}

void OpenAiResponsesWalker::of_response(NodeId member) {
  const auto among = [&](Plain names) {
    return std::any_of(names.begin(), names.end(), [&](Name name) { return named(member, name); });
  };
  if (named(member, "output") && is_array(member)) {
    for (NodeId each = first_child(member); each != kNoNode; each = next(each)) {
      item(each, of_ == Of::whole ? (*index_)[each].position : 0);
    }
    item_ = 0;
  } else if (named(member, "usage") && is_object(member)) {
    usage_ = read_usage(*index_, member, kTokensOfResponses);
  } else if (named(member, "instructions")) {
    all(member, {Provenance::system, TextKind::prose}, kPlainItem);
  } else if (named(member, "tools")) {
    all(member, {Provenance::document, TextKind::structured}, kPlainIds);
  } else if (is_plain(member, kPlainResponse)) {
    return;
  } else if (among(kRepeated)) {
    all(member, {Provenance::field, TextKind::structured}, kPlainOptions);
  } else {
    constexpr std::array kPlainReason = {Name("reason")};
    all(member, {}, named(member, "incomplete_details") ? Plain(kPlainReason) : Plain());
  }
}

void OpenAiResponsesWalker::item(NodeId id, std::uint32_t number) {
  if (!is_object(id)) return all(id, {});
  item_ = number;
  const bool picture = index_->string_is(index_->member(id, "type"), "image_generation_call");
  for (NodeId member = first_child(id); member != kNoNode; member = next(member)) {
    of_item(member, picture);
  }
}

void OpenAiResponsesWalker::of_item(NodeId member, bool picture) {
  const auto among = [&](Plain names) {
    return std::any_of(names.begin(), names.end(), [&](Name name) { return named(member, name); });
  };
  const Voice asks{Provenance::tool_call,
                   named(member, "code") ? TextKind::code : TextKind::structured};
  if (named(member, "content")) {
    parts(member, kParts);
  } else if (named(member, "summary")) {
    parts(member, kSummaries);
  } else if (named(member, "name") && is_string(member)) {
    text(member, kToolNameBlock, asks);
  } else if (named(member, "arguments") && is_string(member)) {
    text(member, kArguments, asks);
  } else if (among(kAsked)) {
    all(member, asks, kPlainIds);
  } else if (picture && named(member, "result") && is_string(member) &&
             is_base64(index_->raw(member))) {
    bytes_not_examined_ += index_->raw(member).size();
  } else if (among(kGiven)) {
    all(member, {Provenance::tool_result, TextKind::prose}, kPlainIds);
  } else if (named(member, "tools")) {
    all(member, {Provenance::document, TextKind::structured}, kPlainIds);
  } else if (!is_plain(member, kPlainItem)) {
    all(member, {});
  }
}

void OpenAiResponsesWalker::parts(NodeId id, std::uint32_t block) {
  if (is_string(id)) return text(id, block, {Provenance::assistant, TextKind::prose});
  if (!is_array(id)) return all(id, {});
  for (NodeId each = first_child(id); each != kNoNode; each = next(each)) {
    if (is_object(each)) {
      part(each, block + (*index_)[each].position);
    } else {
      all(each, {Provenance::assistant, TextKind::prose});
    }
  }
}

void OpenAiResponsesWalker::part(NodeId id, std::uint32_t block) {
  constexpr Voice kProse{Provenance::assistant, TextKind::prose};
  for (NodeId member = first_child(id); member != kNoNode; member = next(member)) {
    if (named(member, "text") && is_string(member)) {
      text(member, block, kProse);
    } else if (named(member, "refusal") && is_string(member)) {
      text(member, block + kRefusals, kProse);
    } else if (named(member, "logprobs")) {
      logprobs(member);
    } else if (!is_plain(member, kPlainIds)) {
      all(member, {}, kPlainIds);
    }
  }
}

// They repeat the text beside them, token by token.
void OpenAiResponsesWalker::logprobs(NodeId id) {
  if (is_array(id) || is_object(id)) {
    echoes_.push_back({item_, (*index_)[id].span()});
  } else {
    all(id, {});
  }
}

void OpenAiResponsesWalker::text(NodeId id, std::uint32_t block, const Voice& voice) {
  if (of_ == Of::events) return complete(id, false, voice.provenance, voice.kind);
  add(id, {item_, block, voice.provenance, voice.kind});
}

void OpenAiResponsesWalker::all(NodeId id, const Voice& voice, Plain plain) {
  const NodeId end = index_->end_of(id);
  for (NodeId at = id; at < end; ++at) {
    const json::Node& node = (*index_)[at];
    if (node.has_key && !is_plain_key(slice(index_->source(), node.key_span()))) {
      complete(at, true, voice.provenance, TextKind::structured);
    }
    if (is_string(at) && !is_plain(at, plain) && !hidden(at)) {
      complete(at, false, voice.provenance, voice.kind);
    }
  }
}

bool OpenAiResponsesWalker::hidden(NodeId id) {
  const bool among =
      std::any_of(kHidden.begin(), kHidden.end(), [&](Name name) { return named(id, name); });
  if (!among || !is_base64(index_->raw(id))) return false;
  bytes_not_examined_ += index_->raw(id).size();
  return true;
}

void OpenAiResponsesWalker::remember(NodeId response) {
  constexpr std::size_t kMaxValue = 256;  // longer ids are not repeated in events of ours
  if (!id_.empty()) return;
  const auto keep = [&](Name key, Kind kind, std::string& out) {
    const NodeId id = index_->member(response, key);
    if (index_->is(id, kind) && index_->raw(id).size() <= kMaxValue) out = index_->raw(id);
  };
  keep("id", Kind::string, id_);
  keep("model", Kind::string, model_);
  keep("created_at", Kind::number, created_);
}

}  // namespace davy::dialects
