#include "mechanisms/dialects/json_request.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/loose_text.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;

// Up to so many edits their segments are found by looking at each.
constexpr std::size_t kFewEdits = 4;

// Of Anthropic, OpenRouter, LiteLLM: who answers in place of `model`.
constexpr std::array kOtherModels = {std::string_view("fallbacks"), std::string_view("models"),
                                     std::string_view("context_window_fallbacks"),
                                     std::string_view("content_policy_fallbacks")};

bool starts_with_http(std::string_view url) noexcept {
  return url.starts_with("http://") || url.starts_with("https://");
}

}  // namespace

Result<void> JsonRequest::read_account(std::string_view body) {
  account_only_ = true;
  return read_all(body);
}

Result<void> JsonRequest::read(std::string_view body) {
  account_only_ = false;
  DAVY_TRY(read_all(body));
  if (pointer_bytes_ > kMaxPointerBytes) {
    segments_.clear();
    return limit_reached("the keys of the request are too long for so many values", {},
                         "use shorter keys or send fewer values");
  }
  return {};
}

Result<void> JsonRequest::read_all(std::string_view body) {
  segments_.clear();
  arena_.clear();
  pointer_bytes_ = 0;
  bytes_not_examined_ = 0;
  model_ = {};
  lacks_model_ = false;
  stream_ = false;
  max_output_tokens_.reset();
  choices_ = 1;
  call_id_.clear();
  refusal_.reset();
  DAVY_TRY(index_.parse(body, limits_));
  const Result<void> settings = read_settings();
  // "Model" explains why `model` is not there.
  if (!refusal_) {
    DAVY_TRY(settings);
    read_text();
  }
  if (!refusal_) return {};
  segments_.clear();
  return *refusal_;
}

Error JsonRequest::wrong(NodeId id, std::string message, std::string hint) const {
  return invalid_input(std::move(message), index_.place(index_[id].begin), std::move(hint));
}

void JsonRequest::refuse(Error error) {
  if (!refusal_) refusal_ = std::move(error);
}

json::NodeId JsonRequest::member_of(NodeId object, std::string_view key) {
  if (!is_object(object)) return kNoNode;
  NodeId found = kNoNode;
  for (NodeId id = index_.first_child(object); id != kNoNode; id = index_[id].next) {
    if (named(id, key)) found = id;
  }
  return found;
}

void JsonRequest::look_at_spelling(NodeId id, std::string_view key) {
  const Span span = index_[id].key_span();
  if (refusal_ || !spells(slice(index_.source(), span), key)) return;
  refuse(invalid_input("some programs read a key as `" + std::string(key) + "` and others do not",
                       index_.place(span.begin - 1), "write it in exactly these letters"));
}

void JsonRequest::look_for_twins(NodeId object) {
  bool odd = false;
  for (NodeId id = index_.first_child(object); id != kNoNode && !odd; id = index_[id].next) {
    odd = is_oddly_spelt(slice(index_.source(), index_[id].key_span()));
  }
  const NodeId twin = odd && !refusal_ ? find_twin(index_, object) : kNoNode;
  if (twin == kNoNode) return;
  refuse(invalid_input("two keys of an object differ in the case of their letters alone",
                       index_.place(index_[twin].key_span().begin - 1),
                       "keep one: readers differ in which"));
}

Result<void> JsonRequest::must_be_object(std::string_view hint) const {
  if (is_object(0)) return {};
  return wrong(0, "the request is not a JSON object", std::string(hint));
}

Result<void> JsonRequest::read_model() {
  const NodeId model = member_of(0, "model");
  if (model == kNoNode && named_elsewhere_) {
    lacks_model_ = true;
    return {};
  }
  if (!is_string(model) || index_.raw(model).empty()) {
    return wrong(model == kNoNode ? 0 : model, "`model` must be a string that names a model",
                 "name a model of the configuration in `model`");
  }
  model_ = index_.text(model, arena_);
  return {};
}

Result<void> JsonRequest::names_no_other_model() {
  if (!is_object(0)) return {};
  for (NodeId id = index_.first_child(0); id != kNoNode; id = index_[id].next) {
    for (const std::string_view name : kOtherModels) {
      if (!named(id, name) || index_.is(id, Kind::null)) continue;
      return wrong(id, "`" + std::string(name) + "` would let another model than `model` answer",
                   "leave it out");
    }
    if (named(id, "tools") || named(id, "plugins")) DAVY_TRY(tools_name_no_model(id));
  }
  return {};
}

Result<void> JsonRequest::tools_name_no_model(NodeId tools) {
  if (!is_array(tools)) return {};
  for (NodeId tool = index_.first_child(tools); tool != kNoNode; tool = index_[tool].next) {
    const NodeId model = member_of(tool, "model");
    if (model == kNoNode || index_.is(model, Kind::null)) continue;
    return wrong(model, "a tool asks another model than `model`", "leave the tool out");
  }
  return {};
}

Result<void> JsonRequest::read_stream() {
  const NodeId stream = member_of(0, "stream");
  stream_ = index_.is(stream, Kind::boolean) && index_.is_true(stream);
  if (stream != kNoNode && !index_.is(stream, Kind::boolean) && !index_.is(stream, Kind::null)) {
    return wrong(stream, "`stream` must be true or false", "write it without quotes");
  }
  return {};
}

Result<std::optional<std::uint64_t>> JsonRequest::whole_number(std::string_view key) {
  const NodeId id = member_of(0, key);
  if (id == kNoNode || index_.is(id, Kind::null)) return std::optional<std::uint64_t>();
  const auto number = index_.whole_number(id);
  if (number) return number;
  return wrong(id, "`" + std::string(key) + "` must be a whole number",
               "write digits alone, without a point or an exponent");
}

void JsonRequest::collect(NodeId id, Provenance provenance, Plain plain) {
  if (account_only_) return;
  const NodeId end = index_.end_of(id);
  for (NodeId at = id; at < end; ++at) {
    if (at != id) look_at_key(at, provenance);
    if (is_string(at) && !is_plain_as_spelt(at, plain)) emit(at, provenance, TextKind::structured);
  }
}

void JsonRequest::collect_loose(NodeId id, Provenance provenance) {
  if (account_only_) return;
  const NodeId end = index_.end_of(id);
  for (NodeId at = id; at < end; ++at) {
    if (at != id) look_at_key(at, provenance);
    if (is_string(at)) emit_loose(at, provenance);
  }
}

void JsonRequest::emit_loose(NodeId id, Provenance provenance) {
  if (!account_only_) emit(id, provenance, loose_kind(index_, id));
}

void JsonRequest::binary(NodeId id, Provenance provenance) {
  if (account_only_) return;
  bytes_not_examined_ += index_.raw(id).size();
  // What a link leads to is not examined, but the link itself is text.
  if (is_string(id) && starts_with_http(decoded(id)))
    return emit(id, provenance, TextKind::structured);
  add(id, {}, {{}, provenance, TextKind::binary, {}, index_[id].span()});
}

void JsonRequest::count_link(NodeId id) {
  if (!account_only_ && starts_with_http(decoded(id))) {
    bytes_not_examined_ += index_.raw(id).size();
  }
}

bool JsonRequest::is_plain(NodeId id, Plain names) {
  return is_string(id) && is_identifier(index_.raw(id)) && named_any(id, names);
}

bool JsonRequest::is_plain_as_spelt(NodeId id, Plain names) const {
  return is_string(id) &&
         std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return index_.key_is(id, name); }) &&
         is_identifier(index_.raw(id));
}

void JsonRequest::look_at_key(NodeId id, Provenance provenance) {
  const json::Node& node = index_[id];
  if (!node.has_key || account_only_) return;
  const std::string_view raw = slice(index_.source(), node.key_span());
  if (is_plain_key(raw)) return;
  add(id, kKeySuffix,
      {{}, provenance, TextKind::structured, index_.key(id, arena_), node.key_span()});
}

void JsonRequest::emit(NodeId id, Provenance provenance, TextKind kind) {
  const json::Node& node = index_[id];
  if (account_only_ || node.span().empty()) return;
  // As text it says nothing.
  if (is_blob(index_.raw(id))) bytes_not_examined_ += node.span().size();
  add(id, {}, {{}, provenance, kind, index_.text(id, arena_), node.span()});
}

void JsonRequest::add(NodeId id, std::string_view suffix, Segment segment) {
  if (pointer_bytes_ > kMaxPointerBytes) return;  // read() fails
  pointer_.clear();
  index_.append_pointer(id, pointer_);
  pointer_ += suffix;
  pointer_bytes_ += pointer_.size();
  segment.pointer = arena_.copy(pointer_);
  segments_.push_back(segment);
}

Result<std::string> JsonRequest::apply(std::span<const Edit> edits, const Rewrite& rewrite) const {
  std::vector<Splice> splices;
  if (!edits.empty()) DAVY_TRY(add_edits(edits, splices));
  // A name that the dialect did not read is a field like any other.
  const bool renames = !rewrite.model.empty() && !model_.empty();
  const NodeId model = renames ? index_.member(0, "model") : kNoNode;
  if (is_string(model)) {
    Splice& written = splices.emplace_back();
    written.source = index_[model].span();
    json::append_escaped(written.replacement, rewrite.model);
  }
  if (lacks_model_ && !rewrite.model.empty()) {
    Splice& written = splices.emplace_back();
    const std::uint32_t inside = index_[0].begin + 1;
    written.source = {inside, inside};
    written.replacement = "\"model\":\"";
    json::append_escaped(written.replacement, rewrite.model);
    written.replacement += index_.first_child(0) == kNoNode ? "\"" : "\",";
  }
  if (rewrite.ask_for_usage) ask_for_usage(splices);
  return splice(index_.source(), std::move(splices));
}

Result<void> JsonRequest::add_edits(std::span<const Edit> edits,
                                    std::vector<Splice>& splices) const {
  struct Target {
    std::size_t segment;
    const Edit* edit;
  };
  std::vector<std::size_t> by_pointer;
  const auto pointer_of = [this](std::size_t i) { return segments_[i].pointer; };
  if (edits.size() > kFewEdits) {
    by_pointer.resize(segments_.size());
    std::iota(by_pointer.begin(), by_pointer.end(), std::size_t{0});
    std::sort(by_pointer.begin(), by_pointer.end(),
              [&](std::size_t a, std::size_t b) { return pointer_of(a) < pointer_of(b); });
  }
  const auto find = [&](std::string_view pointer) {
    if (by_pointer.empty()) {
      std::size_t i = 0;
      while (i < segments_.size() && pointer_of(i) != pointer) ++i;
      return i;
    }
    const auto at =
        std::lower_bound(by_pointer.begin(), by_pointer.end(), pointer,
                         [&](std::size_t i, std::string_view p) { return pointer_of(i) < p; });
    return at != by_pointer.end() && pointer_of(*at) == pointer ? *at : segments_.size();
  };

  std::vector<Target> targets;
  targets.reserve(edits.size());
  for (const Edit& edit : edits) {
    const std::size_t segment = find(edit.pointer);
    if (segment == segments_.size() || segments_[segment].kind == TextKind::binary ||
        edit.span.begin > edit.span.end || edit.span.end > segments_[segment].text.size()) {
      return internal_error("an edit names no text of the request");
    }
    targets.push_back({segment, &edit});
  }
  // An insertion comes before what is replaced at the same place.
  std::stable_sort(targets.begin(), targets.end(), [](const Target& a, const Target& b) {
    return std::tuple(a.segment, a.edit->span.begin, a.edit->span.end) <
           std::tuple(b.segment, b.edit->span.begin, b.edit->span.end);
  });

  std::vector<TextEdit> here;
  for (std::size_t i = 0; i < targets.size();) {
    here.clear();
    const std::size_t segment = targets[i].segment;
    for (; i < targets.size() && targets[i].segment == segment; ++i) {
      const Edit& edit = *targets[i].edit;
      if (!here.empty() && edit.span.begin < here.back().span.end) {
        return internal_error("two edits of a request overlap");
      }
      here.push_back({edit.span, edit.replacement});
    }
    add_text_splices(index_.source(), segments_[segment].source, here, splices);
  }
  return {};
}

}  // namespace davy::dialects
