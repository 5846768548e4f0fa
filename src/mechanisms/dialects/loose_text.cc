#include "mechanisms/dialects/loose_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "mechanisms/dialects/identifiers.h"

namespace davy::dialects {
namespace {

using Name = std::string_view;

constexpr std::size_t kMinBlob = 256;

// Of Hugging Face's servers, Ollama, llama.cpp, TensorFlow Serving and Triton.
constexpr std::array kTextNames = {
    Name("text"),           Name("texts"),       Name("inputs"),   Name("input"),
    Name("prompt"),         Name("prompts"),     Name("query"),    Name("queries"),
    Name("question"),       Name("instruction"), Name("content"),  Name("contents"),
    Name("message"),        Name("messages"),    Name("sentence"), Name("sentences"),
    Name("document"),       Name("documents"),   Name("context"),  Name("system"),
    Name("instances"),      Name("response"),    Name("output"),   Name("generated_text"),
    Name("text_input"),     Name("text_output"), Name("summary"),  Name("summary_text"),
    Name("source_sentence")};

// A space may also be written as an escape.
bool has_words(std::string_view raw) noexcept {
  return std::any_of(raw.begin(), raw.end(), [](char c) {
    return c == ' ' || c == '\\' || static_cast<std::uint8_t>(c) >= 0x80;
  });
}

}  // namespace

TextKind loose_kind(const json::Index& index, json::NodeId string) {
  if (has_words(index.raw(string))) return TextKind::prose;
  json::NodeId named = string;
  while (named != json::kNoNode && !index[named].has_key) named = index[named].parent;
  if (named == json::kNoNode) return TextKind::structured;
  const bool promises =
      std::any_of(kTextNames.begin(), kTextNames.end(),
                  [&](std::string_view name) { return index.key_is(named, name); });
  return promises ? TextKind::prose : TextKind::structured;
}

json::Limits loose_limits() noexcept {
  json::Limits limits;
  limits.fold_numbers = true;
  return limits;
}

bool is_blob(std::string_view raw) noexcept {
  constexpr std::string_view kData = "data:";
  constexpr std::string_view kBase64 = ";base64,";
  if (raw.starts_with(kData) && raw.substr(0, kMinBlob).find(kBase64) != std::string_view::npos) {
    return true;
  }
  if (raw.size() < kMinBlob || !is_base64(raw)) return false;
  const auto any = [raw](char from, char to) {
    return std::any_of(raw.begin(), raw.end(), [=](char c) { return c >= from && c <= to; });
  };
  return any('A', 'Z') && any('a', 'z') && any('0', '9');
}

}  // namespace davy::dialects
