#include "mechanisms/dialects/openai_data_answer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/openai_usage.h"
#include "mechanisms/dialects/sse.h"

namespace davy::dialects {
namespace {

using json::kNoNode;
using Name = std::string_view;

constexpr std::array kPlainTop = {
    Name("id"),         Name("object"),        Name("model"),   Name("type"), Name("created"),
    Name("background"), Name("output_format"), Name("quality"), Name("size")};
constexpr std::array kPlainInner = {Name("object"), Name("type")};
constexpr std::array kMedia = {Name("b64_json"), Name("audio")};

json::Limits folded() {
  json::Limits limits;
  limits.fold_numbers = true;
  return limits;
}

}  // namespace

OpenAiDataAnswer::OpenAiDataAnswer() : JsonAnswer(std::make_unique<OpenAiDataWalker>(), folded()) {}

Result<void> OpenAiDataWalker::look() {
  if (!is_object(0)) {
    all(0, Provenance::assistant, {});
    return {};
  }
  for (NodeId id = first_child(0); id != kNoNode; id = next(id)) {
    if (named(id, "usage") && is_object(id)) {
      usage_ = read_usage(*index_, id, kTokensOfChat);
      if (!usage_) usage_ = read_usage(*index_, id, kTokensOfResponses);
    } else if (!is_plain(id, kPlainTop)) {
      all(id, Provenance::assistant, kPlainInner);
    }
  }
  return {};
}

void OpenAiDataWalker::all(NodeId id, Provenance provenance, Plain plain) {
  const NodeId end = index_->end_of(id);
  NodeId documents_end = id;  // what comes before is what the caller sent
  for (NodeId at = id; at < end; ++at) {
    const json::Node& node = (*index_)[at];
    if (named(at, "document")) documents_end = std::max(documents_end, index_->end_of(at));
    const Provenance said = at < documents_end ? Provenance::document : provenance;
    if (node.has_key && !is_plain_key(slice(index_->source(), node.key_span()))) {
      complete(at, true, said, TextKind::structured);
    }
    if (is_string(at) && !is_plain(at, plain) && !is_data(at)) {
      complete(at, false, said, TextKind::structured);
    }
  }
}

bool OpenAiDataWalker::is_data(NodeId id) {
  const std::string_view raw = index_->raw(id);
  if (!is_base64(raw)) return false;
  // Packed numbers, which are numbers like those of a list.
  if (named(id, "embedding")) return true;
  if (std::none_of(kMedia.begin(), kMedia.end(), [&](Name name) { return named(id, name); })) {
    return false;
  }
  bytes_not_examined_ += raw.size();
  return true;
}

// None of their events says that an answer was ended early, so it is an error.
std::string OpenAiDataWalker::cut() const {
  std::string out = "event: error\n";
  append_event(out, R"({"type":"error","error":{"message":"The rest of the answer was refused by )"
                    R"(policy.","type":"permission_error","param":null,"code":"content_filter"}})");
  return out;
}

bool OpenAiDataAnswer::skim(std::string_view body) {
  json::Skim skim(body);
  if (!skim.enter_object()) return false;
  bool seen = false;
  for (std::string_view key; skim.next_member(key);) {
    if (key != "usage") {
      skim.skip();
      continue;
    }
    if (std::exchange(seen, true)) return false;
    json::Skim again = skim;
    if (!skim_usage(skim, kTokensOfChat, usage_)) return false;
    if (!usage_ && !skim_usage(again, kTokensOfResponses, usage_)) return false;
  }
  return skim.done();
}

}  // namespace davy::dialects
