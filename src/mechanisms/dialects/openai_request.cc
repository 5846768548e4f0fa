#include "mechanisms/dialects/openai_request.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "mechanisms/dialects/splice.h"

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

// Where an enumeration or an id stands. A value that looks like an identifier is passed
// on there; any other is examined like the rest.
constexpr std::array kPlainTop = {Name("model"),         Name("reasoning_effort"),
                                  Name("service_tier"),  Name("tool_choice"),
                                  Name("function_call"), Name("verbosity")};
constexpr std::array kPlainMessage = {Name("role"), Name("tool_call_id"), Name("id")};
constexpr std::array kPlainPart = {Name("type"), Name("detail"), Name("format")};
constexpr std::array kPlainCall = {Name("type"), Name("id")};
constexpr std::array kPlainType = {Name("type")};

constexpr std::size_t kMaxIdentifier = 128;
constexpr std::size_t kMaxKey = 64;
// Up to so many edits their segments are found by looking at each.
constexpr std::size_t kFewEdits = 4;

using ByteSet = std::array<bool, 256>;

constexpr ByteSet letters_digits_and(Name others) {
  ByteSet set{};
  for (const char c : Name("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")) {
    set[static_cast<std::uint8_t>(c)] = true;
  }
  for (const char c : others) set[static_cast<std::uint8_t>(c)] = true;
  return set;
}
constexpr ByteSet kIdentifierBytes = letters_digits_and("_.:/@+-");
constexpr ByteSet kKeyBytes = letters_digits_and("_.$-");  // no @: an address is worth a look

bool all_in(const ByteSet& set, std::string_view raw) noexcept {
  return std::all_of(raw.begin(), raw.end(),
                     [&](char c) { return set[static_cast<std::uint8_t>(c)]; });
}

Provenance of_role(const json::Index& index, json::NodeId role) {
  struct Role {
    Name name;
    Provenance provenance;
  };
  constexpr std::array kRoles = {
      Role{"user", Provenance::user},        Role{"assistant", Provenance::assistant},
      Role{"system", Provenance::system},    Role{"developer", Provenance::system},
      Role{"tool", Provenance::tool_result}, Role{"function", Provenance::tool_result},
  };
  if (role == kNoNode) return Provenance::field;
  for (const Role& each : kRoles) {
    if (index.string_is(role, each.name)) return each.provenance;
  }
  return Provenance::field;
}

bool starts_with_http(std::string_view url) noexcept {
  return url.starts_with("http://") || url.starts_with("https://");
}

}  // namespace

bool is_identifier(std::string_view raw) noexcept {
  return !raw.empty() && raw.size() <= kMaxIdentifier && all_in(kIdentifierBytes, raw);
}

bool is_plain_key(std::string_view raw) noexcept {
  return raw.size() <= kMaxKey && all_in(kKeyBytes, raw);
}

Result<void> OpenAiRequest::read(std::string_view body) {
  segments_.clear();
  arena_.clear();
  pointer_bytes_ = 0;
  bytes_not_examined_ = 0;
  DAVY_TRY(index_.parse(body));
  DAVY_TRY(read_settings());
  each_child(0, Provenance::field, [this](NodeId member) { top_level(member); });
  if (pointer_bytes_ > kMaxPointerBytes) {
    segments_.clear();
    return limit_reached("the keys of the request are too long for so many values", {},
                         "use shorter keys or send fewer values");
  }
  return {};
}

Error OpenAiRequest::wrong(NodeId id, std::string message, std::string hint) const {
  return invalid_input(std::move(message), index_.place(index_[id].begin), std::move(hint));
}

Result<void> OpenAiRequest::read_settings() {
  if (!index_.is(0, Kind::object)) {
    return wrong(0, "the request is not a JSON object", "send {\"model\": …, \"messages\": […]}");
  }
  const NodeId model = index_.member(0, "model");
  if (!index_.is(model, Kind::string) || index_.raw(model).empty()) {
    return wrong(model == kNoNode ? 0 : model, "`model` must be a string that names a model",
                 "name a model of the configuration in `model`");
  }
  model_ = index_.text(model, arena_);
  const NodeId messages = index_.member(0, "messages");
  if (!index_.is(messages, Kind::array)) {
    return wrong(messages == kNoNode ? 0 : messages, "`messages` must be an array of messages",
                 "send at least {\"role\": \"user\", \"content\": …}");
  }
  const NodeId stream = index_.member(0, "stream");
  stream_ = index_.is(stream, Kind::boolean) && index_.is_true(stream);
  if (stream != kNoNode && !index_.is(stream, Kind::boolean) && !index_.is(stream, Kind::null)) {
    return wrong(stream, "`stream` must be true or false", "write it without quotes");
  }
  DAVY_ASSIGN(const auto choices, whole_number("n"));
  choices_ = choices.value_or(1);
  if (choices_ == 0) return wrong(index_.member(0, "n"), "`n` must be at least 1", "leave it out");
  DAVY_ASSIGN(max_output_tokens_, whole_number("max_completion_tokens"));
  DAVY_ASSIGN(const auto max_tokens, whole_number("max_tokens"));
  // An upstream may follow either, so the larger one is what may be spent.
  if (max_tokens && (!max_output_tokens_ || *max_tokens > *max_output_tokens_)) {
    max_output_tokens_ = max_tokens;
  }
  return {};
}

Result<std::optional<std::uint64_t>> OpenAiRequest::whole_number(std::string_view key) const {
  const NodeId id = index_.member(0, key);
  if (id == kNoNode || index_.is(id, Kind::null)) return std::optional<std::uint64_t>();
  const auto number = index_.whole_number(id);
  if (number) return number;
  return wrong(id, "`" + std::string(key) + "` must be a whole number",
               "write digits alone, without a point or an exponent");
}

template <class Visit>
void OpenAiRequest::each_child(NodeId id, Provenance provenance, Visit visit) {
  for (NodeId child = index_.first_child(id); child != kNoNode; child = index_[child].next) {
    look_at_key(child, provenance);
    visit(child);
  }
}

void OpenAiRequest::top_level(NodeId member) {
  if (named(member, "messages")) {
    each_child(member, Provenance::field, [this](NodeId id) { message(id); });
  } else if (named(member, "tools") || named(member, "functions")) {
    collect(member, Provenance::document, kPlainType);
  } else if (named(member, "prediction") && index_.is(member, Kind::object)) {
    each_child(member, Provenance::field, [this](NodeId id) {
      if (named(id, "content")) {
        content(id, Provenance::assistant);
      } else {
        collect(id, Provenance::field, kPlainType);
      }
    });
  } else if (named(member, "response_format")) {
    collect(member, Provenance::field, kPlainType);
  } else if (!is_plain(member, kPlainTop)) {
    collect(member, Provenance::field, {});
  }
}

void OpenAiRequest::message(NodeId id) {
  if (!index_.is(id, Kind::object)) return collect(id, Provenance::field, {});
  const Provenance provenance = of_role(index_, index_.member(id, "role"));
  each_child(id, Provenance::field, [this, provenance](NodeId member) {
    if (named(member, "content")) {
      content(member, provenance);
    } else if (named(member, "tool_calls") && index_.is(member, Kind::array)) {
      each_child(member, Provenance::field, [this](NodeId each) { tool_call(each); });
    } else if (named(member, "function_call")) {
      call(member);
    } else if (named(member, "refusal") && is_string(member)) {
      emit(member, provenance, TextKind::prose);
    } else if (!is_plain(member, kPlainMessage)) {
      collect(member, Provenance::field, {});
    }
  });
}

void OpenAiRequest::content(NodeId id, Provenance provenance) {
  if (is_string(id)) return emit(id, provenance, TextKind::prose);
  if (!index_.is(id, Kind::array)) return collect(id, provenance, {});
  each_child(id, provenance, [this, provenance](NodeId each) {
    if (is_string(each)) {
      emit(each, provenance, TextKind::prose);
    } else if (index_.is(each, Kind::object)) {
      part(each, provenance);
    } else {
      collect(each, provenance, {});
    }
  });
}

void OpenAiRequest::part(NodeId id, Provenance provenance) {
  each_child(id, provenance, [this, provenance](NodeId member) {
    if (is_string(member) && (named(member, "text") || named(member, "refusal"))) {
      emit(member, provenance, TextKind::prose);
    } else if (named(member, "image_url") || named(member, "input_audio") ||
               named(member, "file")) {
      media(member, provenance);
    } else if (!is_plain(member, kPlainPart)) {
      collect(member, provenance, {});
    }
  });
}

void OpenAiRequest::media(NodeId id, Provenance provenance) {
  const auto look = [this, provenance](NodeId member) {
    if (!is_string(member)) {
      collect(member, provenance, {});
    } else if (named(member, "url") || named(member, "image_url") || named(member, "data") ||
               named(member, "file_data") || named(member, "file_id")) {
      binary(member, provenance);
    } else if (!is_plain(member, kPlainPart)) {
      emit(member, provenance, TextKind::structured);
    }
  };
  if (!index_.is(id, Kind::object)) return look(id);
  each_child(id, provenance, look);
}

void OpenAiRequest::tool_call(NodeId id) {
  if (!index_.is(id, Kind::object)) return collect(id, Provenance::field, {});
  each_child(id, Provenance::field, [this](NodeId member) {
    if (named(member, "function") || named(member, "custom")) {
      call(member);
    } else if (!is_plain(member, kPlainCall)) {
      collect(member, Provenance::field, {});
    }
  });
}

void OpenAiRequest::call(NodeId id) {
  if (!index_.is(id, Kind::object)) return collect(id, Provenance::field, {});
  each_child(id, Provenance::field, [this](NodeId member) {
    const bool input = named(member, "arguments") || named(member, "input");
    collect(member, input ? Provenance::tool_call : Provenance::field, {});
  });
}

void OpenAiRequest::collect(NodeId id, Provenance provenance, Names plain) {
  const NodeId end = index_.end_of(id);
  for (NodeId at = id; at < end; ++at) {
    if (at != id) look_at_key(at, provenance);
    if (is_string(at) && !is_plain(at, plain)) {
      emit(at, provenance, TextKind::structured);
    }
  }
}

void OpenAiRequest::binary(NodeId id, Provenance provenance) {
  const std::string_view raw = index_.raw(id);
  bytes_not_examined_ += raw.size();
  // What a link leads to is not examined, but the link itself is text.
  if (starts_with_http(raw)) return emit(id, provenance, TextKind::structured);
  add(id, {}, {{}, provenance, TextKind::binary, {}, index_[id].span()});
}

bool OpenAiRequest::is_plain(NodeId id, Names names) const {
  return is_string(id) && is_identifier(index_.raw(id)) &&
         std::any_of(names.begin(), names.end(), [&](Name name) { return named(id, name); });
}

void OpenAiRequest::look_at_key(NodeId id, Provenance provenance) {
  const json::Node& node = index_[id];
  if (!node.has_key) return;
  const std::string_view raw = slice(index_.source(), node.key_span());
  if (is_plain_key(raw)) return;
  add(id, kKeySuffix,
      {{}, provenance, TextKind::structured, index_.key(id, arena_), node.key_span()});
}

void OpenAiRequest::emit(NodeId id, Provenance provenance, TextKind kind) {
  const json::Node& node = index_[id];
  if (node.span().empty()) return;
  add(id, {}, {{}, provenance, kind, index_.text(id, arena_), node.span()});
}

void OpenAiRequest::add(NodeId id, std::string_view suffix, Segment segment) {
  if (pointer_bytes_ > kMaxPointerBytes) return;  // read() fails
  pointer_.clear();
  index_.append_pointer(id, pointer_);
  pointer_ += suffix;
  pointer_bytes_ += pointer_.size();
  segment.pointer = arena_.copy(pointer_);
  segments_.push_back(segment);
}

Result<std::string> OpenAiRequest::apply(std::span<const Edit> edits) const {
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

  std::vector<Splice> splices;
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
  return splice(index_.source(), std::move(splices));
}

}  // namespace davy::dialects
