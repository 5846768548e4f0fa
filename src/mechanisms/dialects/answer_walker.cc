#include "mechanisms/dialects/answer_walker.h"

#include <algorithm>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/loose_text.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;

constexpr std::size_t kHashedKeyBytes = 64;

}  // namespace

Error too_many_streams() {
  return limit_reached(
      "the answer has more than " + std::to_string(kMaxStreams) + " texts or tool calls at once",
      {}, "ask for fewer choices");
}

void AnswerWalker::reset() {
  others_.clear();
  mark_ = 0;
  delivered_.reset();
  completed_ = 0;
  forget();
}

Result<void> AnswerWalker::walk(const json::Index& index) {
  index_ = &index;
  pieces_.clear();
  echoes_.clear();
  ended_streams_.clear();
  group_ = 0;
  bytes_not_examined_ = 0;
  usage_.reset();
  finish_reason_.clear();
  ended_ = only_usage_ = false;
  return look();
}

void AnswerWalker::complete(NodeId id, bool key, Provenance provenance, TextKind kind) {
  const json::Node& node = (*index_)[id];
  const Span source = key ? node.key_span() : node.span();
  if (source.empty()) return;
  if (!key && is_blob(index_->raw(id))) bytes_not_examined_ += source.size();
  const StreamKey stream{static_cast<std::uint32_t>(completed_ / kWholeBlocks),
                         kWholeBlock + static_cast<std::uint32_t>(completed_ % kWholeBlocks),
                         provenance, kind};
  ++completed_;
  pieces_.push_back({stream, source, key ? node.key_has_escapes : node.has_escapes, true, true});
}

Result<void> AnswerWalker::others(NodeId id, std::uint32_t choice, NodeId top, Plain plain) {
  const NodeId end = index_->end_of(id);
  for (NodeId at = id; at < end; ++at) {
    const json::Node& node = (*index_)[at];
    if (node.has_key && !is_plain_key(slice(index_->source(), node.key_span()))) {
      DAVY_TRY(other(at, true, choice, top, TextKind::structured));
    }
    if (node.kind == Kind::string && (plain.empty() || !is_plain(at, plain))) {
      DAVY_TRY(other(at, false, choice, top, TextKind::structured));
    }
  }
  return {};
}

Result<void> AnswerWalker::other(NodeId id, bool key, std::uint32_t choice, NodeId top,
                                 TextKind kind) {
  const std::uint64_t place = mix(place_of(id, top), (key ? 1U : 0U) | (top == 0 ? 2U : 0U));
  const Other wanted{choice, group_, other_provenance_, kind, place};
  const auto known = std::find(others_.begin(), others_.end(), wanted);
  const StreamKey stream = key_of(wanted, static_cast<std::size_t>(known - others_.begin()));
  if (known == others_.end()) {
    if (others_.size() == kMaxStreams) return too_many_streams();
    others_.push_back(wanted);
  }
  const json::Node& node = (*index_)[id];
  if (key) {
    pieces_.push_back({stream, node.key_span(), node.key_has_escapes, true});
  } else {
    add(id, stream);
  }
  return {};
}

StreamKey AnswerWalker::key_of(const Other& other, std::size_t number) noexcept {
  return {other.choice, kOtherBlock + static_cast<std::uint32_t>(number), other.provenance,
          other.kind};
}

void AnswerWalker::end_group(std::uint32_t group) {
  for (std::size_t i = 0; i < others_.size(); ++i) {
    if (others_[i].group == group) end_stream(key_of(others_[i], i));
  }
}

std::uint64_t AnswerWalker::mix(std::uint64_t hash, std::uint64_t value) noexcept {
  constexpr std::uint64_t kPrime = 0x100000001B3;  // FNV-1a, 64 bits
  return (hash ^ value) * kPrime;
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

void AnswerWalker::add(NodeId id, const StreamKey& key, bool whole) {
  const json::Node& node = (*index_)[id];
  if (node.span().empty()) return;
  if (is_blob(index_->raw(id))) bytes_not_examined_ += node.span().size();
  pieces_.push_back({key, node.span(), node.has_escapes, whole});
}

bool AnswerWalker::is_plain(NodeId id, Plain names) const {
  return is_string(id) && is_identifier(index_->raw(id)) &&
         std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return named(id, name); });
}

StreamTable::Stream* StreamTable::known(const StreamKey& key) noexcept {
  for (Stream& stream : streams_) {
    if (stream.key == key) return &stream;
  }
  return nullptr;
}

StreamTable::Stream* StreamTable::find(const StreamKey& key) {
  if (Stream* const stream = known(key)) return stream;
  if (streams_.size() == kMaxStreams) {
    std::erase_if(streams_, [](const Stream& stream) { return stream.ended; });
    if (streams_.size() == kMaxStreams) return nullptr;
  }
  streams_.push_back({key, 0, 0, false});
  return &streams_.back();
}

}  // namespace davy::dialects
