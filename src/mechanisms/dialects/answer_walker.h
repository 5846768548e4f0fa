// What is text in an answer, or in one event of a streamed one. A dialect derives its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// More streams in one answer are refused (limit).
inline constexpr std::size_t kMaxStreams = 1024;
[[nodiscard]] Error too_many_streams();

// StreamKey::block for each place that has no block of its own, plus a number as they
// come: `reasoning_content`, annotations, an upstream's error text.
inline constexpr std::uint32_t kOtherBlock = 0x8000'0001;

// StreamKey::block of a text that is complete in itself, plus a number as they come; after
// kWholeBlocks of them `choice` goes on by one.
inline constexpr std::uint32_t kWholeBlock = 0xC000'0000;
inline constexpr std::uint32_t kWholeBlocks = 0x4000'0000;

// Finds the texts of one JSON text. The numbers of other places (kOtherBlock) last until
// reset(), so that the events of one stream agree on them.
class AnswerWalker {
 public:
  struct Piece {
    StreamKey key;
    Span source;  // in the JSON text, inside the quotes
    bool has_escapes = false;
    bool whole = false;  // text that no later event goes on with, such as a key of an object
    bool ends = false;   // the only piece of its stream, which ends with it
  };

  virtual ~AnswerWalker() = default;

  void reset();
  // Replaces the results below. Error: limit.
  [[nodiscard]] Result<void> walk(const json::Index& index);

  // In the order of the JSON text; without the empty ones.
  [[nodiscard]] const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  [[nodiscard]] const std::vector<StreamEvent::Echo>& echoes() const noexcept { return echoes_; }
  [[nodiscard]] std::uint64_t bytes_not_examined() const noexcept { return bytes_not_examined_; }
  [[nodiscard]] std::optional<Usage> usage() const noexcept { return usage_; }
  [[nodiscard]] const std::string& finish_reason() const noexcept { return finish_reason_; }
  // This event announces the end of the stream.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  // This event tells the usage alone, for those who asked for it.
  [[nodiscard]] bool only_usage() const noexcept { return only_usage_; }

  // Streams that end with this event. The others end with the answer.
  [[nodiscard]] const std::vector<StreamKey>& ended_streams() const noexcept {
    return ended_streams_;
  }

  // Grows with all that cut() depends on.
  [[nodiscard]] std::uint32_t mark() const noexcept { return mark_; }
  // The last event that went out had that mark. Without a call all of them did.
  void delivered(std::uint32_t mark) noexcept { delivered_ = mark; }
  // As StreamReader::answers.
  virtual void answers(std::string_view) {}
  // As StreamReader::cut, for what was seen since reset().
  [[nodiscard]] virtual std::string cut() const = 0;

 protected:
  using NodeId = json::NodeId;
  using Plain = std::span<const std::string_view>;

  // What `index_` holds: adds pieces, sets usage and the like.
  [[nodiscard]] virtual Result<void> look() = 0;
  virtual void forget() {}  // at reset()

  // What ends with this event: a stream, or those of the other places of a group.
  void end_stream(const StreamKey& key) { ended_streams_.push_back(key); }
  void end_group(std::uint32_t group);

  // A string that has a block of its own. Here and below, a blob (loose_text.h) is text and
  // counts as not examined.
  void add(NodeId id, const StreamKey& key, bool whole = false);
  // All strings at and below `id` that have no block of their own; `top` is the choice (or
  // the root), from where their place is counted. Plain ones under `plain` are passed on.
  [[nodiscard]] Result<void> others(NodeId id, std::uint32_t choice, NodeId top, Plain plain = {});
  // A string, or the key of a node, that is complete in itself: a stream of its own, which
  // is over at once and so counts for no bound.
  void complete(NodeId id, bool key, Provenance provenance, TextKind kind);
  // One string of that kind, or the key of a node.
  [[nodiscard]] Result<void> other(NodeId id, bool key, std::uint32_t choice, NodeId top,
                                   TextKind kind);
  [[nodiscard]] bool named(NodeId id, std::string_view key) const {
    return index_->key_is(id, key);
  }
  [[nodiscard]] bool is_string(NodeId id) const { return index_->is(id, json::Kind::string); }
  [[nodiscard]] bool is_object(NodeId id) const { return index_->is(id, json::Kind::object); }
  [[nodiscard]] bool is_array(NodeId id) const { return index_->is(id, json::Kind::array); }
  [[nodiscard]] NodeId first_child(NodeId id) const { return index_->first_child(id); }
  [[nodiscard]] NodeId next(NodeId id) const { return (*index_)[id].next; }
  // Whether an identifier stands where one belongs.
  [[nodiscard]] bool is_plain(NodeId id, Plain names) const;
  // A hash of the keys and positions from `top` down to `id`.
  [[nodiscard]] std::uint64_t place_of(NodeId id, NodeId top) const noexcept;
  [[nodiscard]] static std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept;

  const json::Index* index_ = nullptr;
  Provenance other_provenance_ = Provenance::assistant;  // of other places
  // Of other places: those of different groups are never one. A content block's is its own.
  std::uint32_t group_ = 0;
  std::uint32_t mark_ = 0;
  std::optional<std::uint32_t> delivered_;
  std::vector<StreamEvent::Echo> echoes_;
  std::uint64_t bytes_not_examined_ = 0;
  std::optional<Usage> usage_;
  std::string finish_reason_;
  bool ended_ = false;
  bool only_usage_ = false;

 private:
  struct Other {
    std::uint32_t choice = 0;
    std::uint32_t group = 0;
    Provenance provenance = Provenance::assistant;
    TextKind kind = TextKind::structured;
    std::uint64_t place = 0;
    bool operator==(const Other&) const = default;
  };
  [[nodiscard]] static StreamKey key_of(const Other& other, std::size_t number) noexcept;

  std::vector<Piece> pieces_;
  std::vector<StreamKey> ended_streams_;
  std::vector<Other> others_;
  std::uint64_t completed_ = 0;  // since reset()
};

// How far each stream of one answer is.
class StreamTable {
 public:
  struct Stream {
    StreamKey key;
    std::uint64_t offset = 0;  // decoded bytes so far
    char32_t pending = 0;      // a high surrogate that waits for its partner; 0 = none
    bool ended = false;
  };

  void reset() { streams_.clear(); }
  // The stream of that key, begun if it is new; null beyond kMaxStreams that go on.
  [[nodiscard]] Stream* find(const StreamKey& key);
  // Null if no stream of that key has begun.
  [[nodiscard]] Stream* known(const StreamKey& key) noexcept;
  [[nodiscard]] std::vector<Stream>& all() noexcept { return streams_; }

 private:
  std::vector<Stream> streams_;
};

}  // namespace davy::dialects
