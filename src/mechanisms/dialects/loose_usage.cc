#include "mechanisms/dialects/loose_usage.h"

#include <algorithm>
#include <array>
#include <span>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/spelling.h"
#include "mechanisms/dialects/token_count.h"

namespace davy::dialects {
namespace {

using json::Index;
using json::Kind;
using json::kNoNode;
using json::NodeId;
using Name = std::string_view;

constexpr std::array kPrompt = {Name("prompt_tokens"),    Name("input_tokens"),
                                Name("promptTokenCount"), Name("prompt_eval_count"),
                                Name("tokens_evaluated"), Name("input_length"),
                                Name("inputTokens"),      Name("inputTextTokenCount")};
constexpr std::array kCompletion = {Name("completion_tokens"),    Name("output_tokens"),
                                    Name("candidatesTokenCount"), Name("eval_count"),
                                    Name("tokens_predicted"),     Name("generated_tokens"),
                                    Name("outputTokens")};
// Of Gemini and Bedrock: what the counts above leave out, and what is in them.
constexpr std::array kThoughts = {Name("thoughtsTokenCount")};
constexpr std::array kCacheRead = {Name("cache_read_input_tokens"), Name("cacheReadInputTokens")};
constexpr std::array kBesidePrompt = {Name("cache_creation_input_tokens"),
                                      Name("cacheWriteInputTokens"),
                                      Name("toolUsePromptTokenCount")};
constexpr std::array kCachedOfPrompt = {Name("cached_tokens"), Name("cachedContentTokenCount")};
constexpr std::array kFinish = {Name("finish_reason"), Name("finishReason"), Name("done_reason"),
                                Name("stop_reason"), Name("stop_type")};
constexpr std::array kLimits = {
    Name("max_tokens"),        Name("max_new_tokens"),  Name("max_completion_tokens"),
    Name("max_output_tokens"), Name("maxOutputTokens"), Name("n_predict"),
    Name("num_predict")};
constexpr std::array kLimitPlaces = {Name("parameters"), Name("options"), Name("generationConfig"),
                                     Name("generation_config")};

NodeId at(const Index& index, NodeId object, std::string_view key) {
  return object == kNoNode ? kNoNode : index.member(object, key);
}

NodeId first_of(const Index& index, NodeId object, std::string_view key) {
  const NodeId list = at(index, object, key);
  return index.is(list, Kind::array) ? index.first_child(list) : kNoNode;
}

std::optional<std::uint64_t> number(const Index& index, NodeId object,
                                    std::span<const Name> names) {
  for (const Name name : names) {
    const NodeId id = at(index, object, name);
    if (id == kNoNode) continue;
    if (const auto value = token_count(index.whole_number(id))) return value;
  }
  return std::nullopt;
}

// What `place` tells, in whatever shape.
LooseUsage read(const Index& index, NodeId place) {
  LooseUsage out;
  out.prompt = number(index, place, kPrompt);
  out.completion = number(index, place, kCompletion);
  out.thoughts = number(index, place, kThoughts);
  out.read = number(index, place, kCacheRead);
  out.more = number(index, place, kBesidePrompt);
  out.cached = number(index, place, kCachedOfPrompt);
  for (const Name details : {Name("prompt_tokens_details"), Name("input_tokens_details")}) {
    if (!out.cached) out.cached = number(index, at(index, place, details), kCachedOfPrompt);
  }
  return out;
}

std::optional<LooseUsage> usage_of(const Index& index, NodeId answer) {
  if (!index.is(answer, Kind::object)) return std::nullopt;
  const NodeId meta = at(index, answer, "meta");
  const NodeId details = at(index, answer, "details");
  for (const NodeId place :
       {at(index, answer, "usage"), at(index, answer, "usageMetadata"), details,
        at(index, meta, "billed_units"), at(index, meta, "tokens"),
        // Of streams: Anthropic's begins with a message, OpenAI's ends with a response.
        at(index, at(index, answer, "message"), "usage"),
        at(index, at(index, answer, "response"), "usage"), answer}) {
    if (!index.is(place, Kind::object)) continue;
    LooseUsage told = read(index, place);
    if (place == details && !told.prompt) {
      // TGI lists the tokens of the prompt on request.
      const NodeId prefill = at(index, details, "prefill");
      if (index.is(prefill, Kind::array)) told.prompt = index[prefill].children;
    }
    if (told.prompt || told.completion) return told;
  }
  return std::nullopt;
}

std::string_view finish_reason_of(const Index& index, NodeId answer) {
  if (!index.is(answer, Kind::object)) return {};
  for (const NodeId place :
       {answer, at(index, answer, "details"), first_of(index, answer, "choices"),
        first_of(index, answer, "candidates")}) {
    for (const Name name : kFinish) {
      const NodeId id = at(index, place, name);
      if (index.is(id, Kind::string) && is_identifier(index.raw(id))) return index.raw(id);
    }
  }
  return {};
}

}  // namespace

void LooseUsage::take(const LooseUsage& later) noexcept {
  for (const auto count : {&LooseUsage::prompt, &LooseUsage::cached, &LooseUsage::read,
                           &LooseUsage::more, &LooseUsage::completion, &LooseUsage::thoughts}) {
    if (later.*count) this->*count = later.*count;
  }
}

std::optional<Usage> LooseUsage::sum() const noexcept {
  if (!prompt && !completion) return std::nullopt;
  const std::uint64_t beside = add_tokens(read.value_or(0), more.value_or(0));
  return Usage{add_tokens(prompt.value_or(0), beside),
               add_tokens(completion.value_or(0), thoughts.value_or(0)),
               add_tokens(cached.value_or(0), read.value_or(0))};
}

std::optional<Usage> loose_usage(const Index& index, LooseUsage& told) {
  if (!index.is(0, Kind::array)) {
    const auto here = usage_of(index, 0);
    if (!here) return std::nullopt;
    told.take(*here);
    return told.sum();
  }
  std::optional<Usage> sum;
  for (NodeId id = index.first_child(0); id != kNoNode; id = index[id].next) {
    const auto here = usage_of(index, id);
    const auto one = here ? here->sum() : std::nullopt;
    if (!one) continue;
    if (!sum) sum.emplace();
    sum->prompt_tokens = add_tokens(sum->prompt_tokens, one->prompt_tokens);
    sum->completion_tokens = add_tokens(sum->completion_tokens, one->completion_tokens);
    sum->cached_prompt_tokens = add_tokens(sum->cached_prompt_tokens, one->cached_prompt_tokens);
  }
  return sum;
}

std::string_view loose_finish_reason(const Index& index) {
  if (!index.is(0, Kind::array)) return finish_reason_of(index, 0);
  for (NodeId id = index.first_child(0); id != kNoNode; id = index[id].next) {
    const std::string_view reason = finish_reason_of(index, id);
    if (!reason.empty()) return reason;
  }
  return {};
}

std::optional<std::uint64_t> loose_output_limit(const Index& index) {
  std::optional<std::uint64_t> most;
  const auto among = [&](NodeId id, std::span<const Name> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](Name name) { return is_spelt(index, id, name); });
  };
  const auto look = [&](NodeId place) {
    for (NodeId id = index.first_child(place); id != kNoNode; id = index[id].next) {
      const auto value = index.whole_number(id);
      if (value && (!most || *value > *most) && among(id, kLimits)) most = value;
    }
  };
  if (!index.is(0, Kind::object)) return most;
  look(0);
  for (NodeId id = index.first_child(0); id != kNoNode; id = index[id].next) {
    if (index.is(id, Kind::object) && among(id, kLimitPlaces)) look(id);
  }
  return most;
}

}  // namespace davy::dialects
