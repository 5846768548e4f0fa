// The request of the OpenAI dialect; what counts as what is in openai.h.
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

// All pointers of one request together: keys of a few hundred KB over many values would
// otherwise make gigabytes out of a small body.
inline constexpr std::size_t kMaxPointerBytes = 16 * 1024 * 1024;

// Whether a value looks like an identifier of this dialect: 1 to 128 of
// [A-Za-z0-9_.:/@+-].
[[nodiscard]] bool is_identifier(std::string_view raw) noexcept;
// Whether an object key needs no look: up to 64 of [A-Za-z0-9_.$-].
[[nodiscard]] bool is_plain_key(std::string_view raw) noexcept;

class OpenAiRequest final : public RequestDocument {
 public:
  [[nodiscard]] Result<void> read(std::string_view body) override;
  [[nodiscard]] std::string_view model() const noexcept override { return model_; }
  [[nodiscard]] bool stream() const noexcept override { return stream_; }
  [[nodiscard]] std::optional<std::uint64_t> max_output_tokens() const noexcept override {
    return max_output_tokens_;
  }
  [[nodiscard]] std::uint64_t choices() const noexcept override { return choices_; }
  [[nodiscard]] std::span<const Segment> segments() const noexcept override { return segments_; }
  [[nodiscard]] std::uint64_t bytes_not_examined() const noexcept override {
    return bytes_not_examined_;
  }
  [[nodiscard]] Result<std::string> apply(std::span<const Edit> edits) const override;

 private:
  using NodeId = json::NodeId;
  using Names = std::span<const std::string_view>;

  [[nodiscard]] Result<void> read_settings();
  [[nodiscard]] Result<std::optional<std::uint64_t>> whole_number(std::string_view key) const;
  [[nodiscard]] Error wrong(NodeId id, std::string message, std::string hint) const;

  // Calls `visit` for each child; the keys of objects are looked at here.
  template <class Visit>
  void each_child(NodeId id, Provenance provenance, Visit visit);
  void top_level(NodeId member);
  void message(NodeId id);
  void content(NodeId id, Provenance provenance);
  void part(NodeId id, Provenance provenance);
  void media(NodeId id, Provenance provenance);
  void tool_call(NodeId id);
  void call(NodeId id);
  // All strings at and below `id` as structured text, but for plain ones under `plain`.
  void collect(NodeId id, Provenance provenance, Names plain);
  void binary(NodeId id, Provenance provenance);

  [[nodiscard]] bool named(NodeId id, std::string_view key) const { return index_.key_is(id, key); }
  [[nodiscard]] bool is_string(NodeId id) const { return index_.is(id, json::Kind::string); }
  [[nodiscard]] bool is_plain(NodeId id, Names names) const;
  void look_at_key(NodeId id, Provenance provenance);
  void emit(NodeId id, Provenance provenance, TextKind kind);
  void add(NodeId id, std::string_view suffix, Segment segment);

  json::Index index_;
  json::Arena arena_;
  std::string pointer_;  // being built
  std::size_t pointer_bytes_ = 0;
  std::vector<Segment> segments_;
  std::string_view model_;
  bool stream_ = false;
  std::optional<std::uint64_t> max_output_tokens_;
  std::uint64_t choices_ = 1;
  std::uint64_t bytes_not_examined_ = 0;
};

}  // namespace davy::dialects
