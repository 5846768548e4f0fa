#include "mechanisms/dialects/openai_input_request.h"

#include <algorithm>
#include <array>

namespace davy::dialects {
namespace {

using json::Kind;
using json::kNoNode;
using Name = std::string_view;

constexpr std::array kPlainTop = {
    Name("model"),         Name("encoding_format"), Name("response_format"),
    Name("output_format"), Name("stream_format"),   Name("size"),
    Name("quality"),       Name("style"),           Name("background"),
    Name("moderation"),    Name("service_tier"),    Name("voice")};
// Of the caller, and of what the caller wants to have sorted.
constexpr std::array kInputs = {Name("input"),        Name("prompt"),  Name("suffix"),
                                Name("query"),        Name("queries"), Name("text_1"),
                                Name("instructions"), Name("data_1")};
constexpr std::array kDocuments = {Name("documents"), Name("text_2"), Name("data_2")};

}  // namespace

OpenAiInputRequest::OpenAiInputRequest(Gives gives) : gives_(gives) {
  // Tokens: a batch of them has more numbers than a text may have values.
  limits_.fold_numbers = true;
}

Result<void> OpenAiInputRequest::read_settings() {
  const char* const hint = gives_ == Gives::completions ? "send {\"model\": …, \"prompt\": …}"
                                                        : "send {\"model\": …, \"input\": …}";
  DAVY_TRY(must_be_object(hint));
  DAVY_TRY(read_model());
  DAVY_TRY(names_no_other_model());
  DAVY_TRY(read_stream());
  DAVY_ASSIGN(const auto choices, whole_number("n"));
  choices_ = choices.value_or(1);
  if (choices_ == 0) return wrong(member_of(0, "n"), "`n` must be at least 1", "leave it out");
  if (gives_ == Gives::numbers) max_output_tokens_ = 0;
  if (gives_ == Gives::completions) return read_completion();
  return {};
}

Result<void> OpenAiInputRequest::read_completion() {
  DAVY_ASSIGN(max_output_tokens_, whole_number("max_tokens"));
  // All of them are written, and paid for, though only the best `n` come back.
  DAVY_ASSIGN(const auto tried, whole_number("best_of"));
  choices_ = std::max(choices_, tried.value_or(1));
  const NodeId prompt = member_of(0, "prompt");
  if (!is_array(prompt)) return {};
  std::uint64_t prompts = 0;
  for (NodeId each = index_.first_child(prompt); each != kNoNode; each = index_[each].next) {
    if (is_string(each) || is_array(each)) ++prompts;
  }
  if (prompts > 0 && __builtin_mul_overflow(choices_, prompts, &choices_)) {
    return wrong(prompt, "there are too many prompts for so many choices", "ask for fewer");
  }
  return {};
}

void OpenAiInputRequest::read_text() {
  each_child(0, Provenance::field, [this](NodeId member) { top_level(member); });
}

void OpenAiInputRequest::top_level(NodeId member) {
  const auto among = [&](Plain names) { return named_any(member, names); };
  if (named(member, "messages") && is_array(member)) {  // as vLLM has them
    return each_child(member, Provenance::field, [this](NodeId id) { message(id); });
  }
  const Provenance provenance = among(kDocuments) ? Provenance::document : Provenance::user;
  if (!among(kDocuments) && !among(kInputs)) {
    if (is_plain(member, kPlainTop) || is_embeddings(member, provenance)) return;
    if (is_loose_media(member, provenance)) return;
    collect(member, Provenance::field);
  } else {
    content(member, provenance);
  }
}

}  // namespace davy::dialects
