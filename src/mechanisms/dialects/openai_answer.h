// Answers of the OpenAI dialect: what is text in an answer or in one event of it, and
// the document of a whole answer. What counts as what is in openai.h.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/formats/json_index.h"
#include "mechanisms/formats/json_skim.h"

namespace davy::dialects {

// Finds the texts of one JSON text. The numbers of other places (kOtherBlock) last until
// reset(), so that the events of one stream agree on them.
class AnswerWalker {
 public:
  struct Piece {
    StreamKey key;
    Span source;  // in the JSON text, inside the quotes
    bool has_escapes = false;
    bool is_key = false;  // of an object: whole in itself
  };

  // `message` names the member of a choice that holds the text: "message", "delta".
  explicit AnswerWalker(std::string_view message) noexcept : message_(message) {}

  void reset();
  // Replaces the results below. Error: limit.
  [[nodiscard]] Result<void> walk(const json::Index& index);

  // In the order of the JSON text; without the empty ones.
  [[nodiscard]] const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  [[nodiscard]] const std::vector<StreamEvent::Echo>& echoes() const noexcept { return echoes_; }
  [[nodiscard]] std::uint64_t bytes_not_examined() const noexcept { return bytes_not_examined_; }
  [[nodiscard]] std::optional<Usage> usage() const noexcept { return usage_; }
  [[nodiscard]] const std::string& finish_reason() const noexcept { return finish_reason_; }
  // Every choice since reset(), in the order of their first event.
  [[nodiscard]] const std::vector<std::uint32_t>& choices() const noexcept { return choices_; }

 private:
  using NodeId = json::NodeId;
  struct Other {
    std::uint32_t choice = 0;
    TextKind kind = TextKind::structured;
    std::uint64_t place = 0;
  };

  [[nodiscard]] Result<void> choice(NodeId id);
  [[nodiscard]] Result<void> message(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> tool_call(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> audio(NodeId id, std::uint32_t choice, NodeId top);
  // All strings at and below `id` that have no block of their own; `top` is the choice
  // (or the root), from where their place is counted.
  [[nodiscard]] Result<void> others(NodeId id, std::uint32_t choice, NodeId top);
  [[nodiscard]] Result<void> other(NodeId id, bool key, std::uint32_t choice, NodeId top,
                                   TextKind kind);
  [[nodiscard]] std::uint64_t place_of(NodeId id, NodeId top) const noexcept;
  void read_usage(NodeId id);
  void add(NodeId id, const StreamKey& key);
  [[nodiscard]] bool named(NodeId id, std::string_view key) const {
    return index_->key_is(id, key);
  }
  [[nodiscard]] bool is_string(NodeId id) const { return index_->is(id, json::Kind::string); }
  // Whether an identifier stands where one belongs.
  [[nodiscard]] bool is_plain(NodeId id, std::span<const std::string_view> names) const;

  std::string_view message_;
  const json::Index* index_ = nullptr;
  std::vector<Piece> pieces_;
  std::vector<StreamEvent::Echo> echoes_;
  std::vector<Other> others_;
  std::vector<std::uint32_t> choices_;
  std::uint64_t bytes_not_examined_ = 0;
  std::optional<Usage> usage_;
  std::string finish_reason_;
};

// How far each stream of one answer is.
class StreamTable {
 public:
  struct Stream {
    StreamKey key;
    std::uint64_t offset = 0;  // decoded bytes so far
    char32_t pending = 0;      // a high surrogate that waits for its partner; 0 = none
  };

  void reset() { streams_.clear(); }
  // The stream of that key, begun if it is new; null beyond kMaxStreams.
  [[nodiscard]] Stream* find(const StreamKey& key);
  [[nodiscard]] std::vector<Stream>& all() noexcept { return streams_; }

 private:
  std::vector<Stream> streams_;
};

[[nodiscard]] Error too_many_streams();

class OpenAiAnswer final : public AnswerDocument {
 public:
  [[nodiscard]] Result<void> read(std::string_view body) override;
  [[nodiscard]] Result<void> read_account(std::string_view body) override;
  [[nodiscard]] std::span<const StreamSegment> segments() const noexcept override {
    return segments_;
  }
  [[nodiscard]] std::uint64_t bytes_not_examined() const noexcept override {
    return walker_.bytes_not_examined();
  }
  [[nodiscard]] std::optional<Usage> usage() const noexcept override { return usage_; }
  [[nodiscard]] std::string_view finish_reason() const noexcept override { return finish_reason_; }
  [[nodiscard]] Result<std::string> apply(std::span<const StreamEdit> edits) const override;

 private:
  void clear();
  // False: it must be read whole.
  [[nodiscard]] bool skim(std::string_view body);
  [[nodiscard]] bool skim_choices(json::Skim& skim);
  [[nodiscard]] bool skim_usage(json::Skim& skim);

  json::Index index_;
  json::Arena arena_;
  AnswerWalker walker_{"message"};
  StreamTable streams_;
  std::vector<StreamSegment> segments_;
  std::vector<Span> sources_;
  std::optional<Usage> usage_;
  std::string_view finish_reason_;  // in the body, or in walker_
};

}  // namespace davy::dialects
