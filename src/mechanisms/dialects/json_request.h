// A request body in JSON: what all dialects share. A dialect says what stands where.
//
// Every string of at least one byte becomes a segment, also of fields that the dialect
// does not know; an object key that is not plain is one too. Passed on without a look are
// only values that look like an identifier (identifiers.h) in places that the dialect
// lists, and whatever binary() was told of, which counts as not examined.
//
// Programs differ in whether "Model" is "model" (spelling.h). So a key that the dialect reads
// refuses the request where it stands in another spelling, and so do two keys of an object
// that the dialect reads, if they are one in any case. Where keys are the caller's own (tools'
// schemas and arguments, metadata) they may be anything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mechanisms/dialects/dialect.h"
#include "mechanisms/dialects/spelling.h"
#include "mechanisms/dialects/splice.h"
#include "mechanisms/formats/json_index.h"

namespace davy::dialects {

// All pointers of one request together: keys of a few hundred KB over many values would
// otherwise make gigabytes out of a small body.
inline constexpr std::size_t kMaxPointerBytes = 16 * 1024 * 1024;

class JsonRequest : public RequestDocument {
 public:
  void named_elsewhere(bool named) noexcept final { named_elsewhere_ = named; }
  [[nodiscard]] Result<void> read(std::string_view body) final;
  [[nodiscard]] Result<void> read_account(std::string_view body) final;
  [[nodiscard]] std::string_view model() const noexcept final { return model_; }
  [[nodiscard]] bool stream() const noexcept final { return stream_; }
  [[nodiscard]] std::optional<std::uint64_t> max_output_tokens() const noexcept final {
    return max_output_tokens_;
  }
  [[nodiscard]] std::uint64_t choices() const noexcept final { return choices_; }
  [[nodiscard]] std::span<const Segment> segments() const noexcept final { return segments_; }
  [[nodiscard]] std::uint64_t bytes_not_examined() const noexcept final {
    return bytes_not_examined_;
  }
  [[nodiscard]] bool lacks_usage() const noexcept override { return false; }
  [[nodiscard]] std::string_view call_id() const noexcept final { return call_id_; }
  [[nodiscard]] Result<std::string> apply(std::span<const Edit> edits,
                                          const Rewrite& rewrite) const final;

 protected:
  using NodeId = json::NodeId;
  using Plain = std::span<const std::string_view>;

  // Sets the members below; an error refuses the request.
  [[nodiscard]] virtual Result<void> read_settings() = 0;
  // Adds the segments, in the order of the body. Also for an account alone, since keys are
  // looked at here; then the functions below add none.
  virtual void read_text() = 0;
  // Where lacks_usage(): what makes the upstream tell it.
  virtual void ask_for_usage(std::vector<Splice>&) const {}

  // For read_settings. `hint` shows the shape of a request.
  [[nodiscard]] Result<void> must_be_object(std::string_view hint) const;
  // A model must be there unless it is named elsewhere; then apply() puts it in.
  [[nodiscard]] Result<void> read_model();
  [[nodiscard]] Result<void> read_stream();
  // Who may use which model is decided by `model` alone: no other one may answer in its place,
  // nor be asked by a tool.
  [[nodiscard]] Result<void> names_no_other_model();
  [[nodiscard]] Result<void> tools_name_no_model(NodeId tools);
  // A whole number, or nothing where the member is absent or null.
  [[nodiscard]] Result<std::optional<std::uint64_t>> whole_number(std::string_view key);
  [[nodiscard]] Error wrong(NodeId id, std::string message, std::string hint) const;
  // Refuses the request when all is read; the first counts.
  void refuse(Error error);

  // The member of an object that the dialect reads, or kNoNode.
  [[nodiscard]] NodeId member_of(NodeId object, std::string_view key);
  // Whether the node has that key; in another spelling it refuses the request.
  [[nodiscard]] bool named(NodeId id, std::string_view key) {
    if (index_.key_is(id, key)) return true;
    if (may_spell(slice(index_.source(), index_[id].key_span()), key)) look_at_spelling(id, key);
    return false;
  }
  [[nodiscard]] bool named_any(NodeId id, Plain names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view name) { return named(id, name); });
  }

  // For read_text. Calls `visit` for each child; the keys of objects are looked at here.
  template <class Visit>
  void each_child(NodeId id, Provenance provenance, Visit visit) {
    each_own_child(id, provenance, visit);
    if (is_object(id)) look_for_twins(id);
  }
  // The same where the keys are the caller's own.
  template <class Visit>
  void each_own_child(NodeId id, Provenance provenance, Visit visit) {
    for (NodeId child = index_.first_child(id); child != json::kNoNode;
         child = index_[child].next) {
      look_at_key(child, provenance);
      visit(child);
    }
  }
  // All strings at and below `id` as structured text, but for plain ones under `plain`.
  void collect(NodeId id, Provenance provenance, Plain plain = {});
  // The same where anything may stand: kinds as in loose_text.h, no plain ones.
  void collect_loose(NodeId id, Provenance provenance);
  // A value that stands for an image, audio or a file, or that nobody here can read.
  void binary(NodeId id, Provenance provenance);
  // A string that may lead to something which is not examined, such as an image.
  void count_link(NodeId id);
  // The key of a node, where it is not plain.
  void look_at_key(NodeId id, Provenance provenance);
  void look_at_spelling(NodeId id, std::string_view key);
  void look_for_twins(NodeId object);
  void emit_loose(NodeId id, Provenance provenance);
  // A string. A blob (loose_text.h) is text and counts as not examined.
  void emit(NodeId id, Provenance provenance, TextKind kind);

  [[nodiscard]] std::string_view decoded(NodeId string) { return index_.text(string, arena_); }
  [[nodiscard]] bool is_string(NodeId id) const { return index_.is(id, json::Kind::string); }
  [[nodiscard]] bool is_object(NodeId id) const { return index_.is(id, json::Kind::object); }
  [[nodiscard]] bool is_array(NodeId id) const { return index_.is(id, json::Kind::array); }
  // Where a value stands, a string with its quotes.
  [[nodiscard]] Span whole_span(NodeId id) const {
    const Span inside = index_[id].span();
    return is_string(id) ? Span{inside.begin - 1, inside.end + 1} : inside;
  }
  // Whether an identifier stands where one belongs.
  [[nodiscard]] bool is_plain(NodeId id, Plain names);
  // The same where other spellings may stand.
  [[nodiscard]] bool is_plain_as_spelt(NodeId id, Plain names) const;

  json::Limits limits_;  // to be set by the constructor
  json::Index index_;
  std::string_view model_;
  bool stream_ = false;
  std::optional<std::uint64_t> max_output_tokens_;
  std::uint64_t choices_ = 1;
  std::string call_id_;  // a copy: it outlives the body

 private:
  [[nodiscard]] Result<void> read_all(std::string_view body);
  void add(NodeId id, std::string_view suffix, Segment segment);
  [[nodiscard]] Result<void> add_edits(std::span<const Edit> edits,
                                       std::vector<Splice>& splices) const;

  bool named_elsewhere_ = false;
  bool lacks_model_ = false;  // the body may name one and does not
  json::Arena arena_;
  std::string pointer_;  // being built
  std::size_t pointer_bytes_ = 0;
  std::vector<Segment> segments_;
  std::uint64_t bytes_not_examined_ = 0;
  bool account_only_ = false;
  std::optional<Error> refusal_;
};

}  // namespace davy::dialects
