#include "mechanisms/dialects/openai_content.h"

#include <algorithm>
#include <array>

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

constexpr std::array kPlainPart = {Name("type"), Name("detail"), Name("format")};

// Members that are an image, audio or a file as a string.
constexpr std::array kMediaTexts = {Name("image_url"), Name("file_data"), Name("file_id"),
                                    Name("file_url"),  Name("audio_url"), Name("video_url")};
// And those that are an object around one, with what that calls it.
constexpr std::array kMediaObjects = {Name("image_url"), Name("input_audio"), Name("file"),
                                      Name("audio_url"), Name("video_url")};
constexpr std::array kInMedia = {Name("url"), Name("image_url"), Name("data"), Name("file_data"),
                                 Name("file_id")};

// Members whose string may be one, or a link to one, and which are text too.
constexpr std::array kLooseMedia = {Name("image"), Name("images"), Name("audio"), Name("video"),
                                    Name("file")};
// What stands for a text or a picture in numbers, which the model alone can read.
constexpr std::array kEmbeddings = {Name("prompt_embeds"), Name("image_embeds"),
                                    Name("audio_embeds"), Name("video_embeds")};

constexpr std::array kPlainMessage = {Name("role"), Name("tool_call_id"), Name("id")};
constexpr std::array kPlainCall = {Name("type"), Name("id")};

struct Role {
  Name name;
  Provenance provenance;
};
constexpr std::array kRoles = {
    Role{"user", Provenance::user},        Role{"assistant", Provenance::assistant},
    Role{"system", Provenance::system},    Role{"developer", Provenance::system},
    Role{"tool", Provenance::tool_result}, Role{"function", Provenance::tool_result},
};

}  // namespace

void OpenAiContent::read_usage_option() {
  has_usage_option_ = true;
  stream_options_ = member_of(0, "stream_options");
  include_usage_ = member_of(stream_options_, "include_usage");
}

bool OpenAiContent::lacks_usage() const noexcept {
  if (!stream_ || !has_usage_option_) return false;
  return !index_.is(include_usage_, Kind::boolean) || !index_.is_true(include_usage_);
}

void OpenAiContent::ask_for_usage(std::vector<Splice>& out) const {
  constexpr std::string_view kMember = "\"include_usage\":true";
  const NodeId options = stream_options_;
  const NodeId asked = include_usage_;
  const auto insert = [&](NodeId object, std::string text) {
    const std::size_t at = index_[object].begin + 1;
    if (index_[object].children > 0) text += ',';
    out.push_back({{at, at}, std::move(text)});
  };
  if (asked != kNoNode) {
    out.push_back({whole_span(asked), "true"});
  } else if (is_object(options)) {
    insert(options, std::string(kMember));
  } else if (options != kNoNode) {
    out.push_back({whole_span(options), "{" + std::string(kMember) + "}"});
  } else {
    insert(0, "\"stream_options\":{" + std::string(kMember) + "}");
  }
}

Provenance OpenAiContent::of_role(NodeId role) const {
  for (const Role& each : kRoles) {
    if (index_.string_is(role, each.name)) return each.provenance;
  }
  return Provenance::field;
}

void OpenAiContent::content(NodeId id, Provenance provenance) {
  if (is_string(id)) return emit(id, provenance, TextKind::prose);
  if (is_tokens(id)) return binary(id, provenance);
  if (is_object(id)) return part(id, provenance);
  if (!is_array(id)) return collect(id, provenance);
  each_child(id, provenance, [this, provenance](NodeId each) {
    if (is_string(each)) {
      emit(each, provenance, TextKind::prose);
    } else if (is_object(each)) {
      part(each, provenance);
    } else if (is_tokens(each)) {
      binary(each, provenance);
    } else {
      collect(each, provenance);
    }
  });
}

void OpenAiContent::part(NodeId id, Provenance provenance) {
  each_child(id, provenance, [this, provenance](NodeId member) {
    if (is_string(member) && (named(member, "text") || named(member, "refusal"))) {
      emit(member, provenance, TextKind::prose);
    } else if (is_media(member)) {
      media(member, provenance);
    } else if (named(member, "content")) {
      content(member, provenance);
    } else if (!is_plain(member, kPlainPart) && !is_embeddings(member, provenance) &&
               !is_loose_media(member, provenance)) {
      collect(member, provenance);
    }
  });
}

void OpenAiContent::loose_media(NodeId id, Provenance provenance) {
  if (is_array(id)) {
    return each_child(id, provenance,
                      [this, provenance](NodeId each) { loose_media(each, provenance); });
  }
  if (is_object(id)) return media(id, provenance);
  if (is_string(id)) count_link(id);
  collect(id, provenance);
}

bool OpenAiContent::is_embeddings(NodeId id, Provenance provenance) {
  if (!named_any(id, kEmbeddings)) return false;
  if (!index_.is(id, Kind::null)) binary(id, provenance);
  return true;
}

bool OpenAiContent::is_loose_media(NodeId id, Provenance provenance) {
  if (!named_any(id, kLooseMedia)) return false;
  loose_media(id, provenance);
  return true;
}

void OpenAiContent::media(NodeId id, Provenance provenance) {
  if (is_string(id)) return binary(id, provenance);
  each_child(id, provenance, [this, provenance](NodeId member) {
    const bool data = named_any(member, kInMedia);
    if (!is_string(member)) {
      collect(member, provenance);
    } else if (data) {
      binary(member, provenance);
    } else if (!is_plain(member, kPlainPart)) {
      emit(member, provenance, TextKind::structured);
    }
  });
}

void OpenAiContent::collect_with_media(NodeId id, Provenance provenance, Plain plain) {
  if (is_array(id) || is_object(id)) {
    each_own_child(id, provenance, [&](NodeId each) {
      if (is_media_in_any_spelling(each)) {
        media(each, provenance);
      } else {
        collect_with_media(each, provenance, plain);
      }
    });
  } else if (is_string(id) && !is_plain_as_spelt(id, plain)) {
    emit(id, provenance, TextKind::structured);
  }
}

bool OpenAiContent::is_media(NodeId id) {
  return is_string(id) ? named_any(id, kMediaTexts) : is_object(id) && named_any(id, kMediaObjects);
}

bool OpenAiContent::is_media_in_any_spelling(NodeId id) const {
  const auto among = [&](Plain names) {
    return std::any_of(names.begin(), names.end(),
                       [&](Name name) { return is_spelt(index_, id, name); });
  };
  return is_string(id) ? among(kMediaTexts) : is_object(id) && among(kMediaObjects);
}

bool OpenAiContent::is_tokens(NodeId id) const {
  if (!limits_.fold_numbers) return false;
  return index_.is(id, Kind::number) ||
         (is_array(id) && index_.first_child(id) == kNoNode &&
          index_.raw(id).find_first_of("0123456789") != std::string_view::npos);
}

void OpenAiContent::message(NodeId id) {
  if (!index_.is(id, Kind::object)) return collect(id, Provenance::field, {});
  const Provenance provenance = of_role(member_of(id, "role"));
  each_child(id, Provenance::field, [this, provenance](NodeId member) {
    if (named(member, "content")) {
      content(member, provenance);
    } else if (named(member, "tool_calls") && index_.is(member, Kind::array)) {
      each_child(member, Provenance::field, [this](NodeId each) { tool_call(each); });
    } else if (named(member, "function_call")) {
      call(member);
    } else if (named(member, "audio")) {
      reference(member);  // to what the model said before
    } else if (named(member, "refusal") && is_string(member)) {
      emit(member, provenance, TextKind::prose);
    } else if (!is_plain(member, kPlainMessage)) {
      collect(member, Provenance::field, {});
    }
  });
}

void OpenAiContent::tool_call(NodeId id) {
  if (!index_.is(id, Kind::object)) return collect(id, Provenance::field, {});
  each_child(id, Provenance::field, [this](NodeId member) {
    if (named(member, "function") || named(member, "custom")) {
      call(member);
    } else if (!is_plain(member, kPlainCall)) {
      collect(member, Provenance::field, {});
    }
  });
}

void OpenAiContent::call(NodeId id) {
  if (!index_.is(id, Kind::object)) return collect(id, Provenance::field, {});
  each_child(id, Provenance::field, [this](NodeId member) {
    const bool input = named(member, "arguments") || named(member, "input");
    collect(member, input ? Provenance::tool_call : Provenance::field, {});
  });
}

void OpenAiContent::reference(NodeId id) {
  if (is_string(id)) return binary(id, Provenance::field);
  each_child(id, Provenance::field, [this](NodeId member) {
    if (named(member, "id") && is_string(member)) {
      binary(member, Provenance::field);
    } else {
      collect(member, Provenance::field);
    }
  });
}

}  // namespace davy::dialects
