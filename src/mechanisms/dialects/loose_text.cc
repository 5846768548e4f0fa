#include "mechanisms/dialects/loose_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "mechanisms/dialects/identifiers.h"
#include "mechanisms/dialects/spelling.h"

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

enum Letter : std::uint8_t {
  kNone = 0,
  kCapital = 1,
  kSmall = 2,
  kDigit = 4,
  kSign = 8,
  kWhite = 16
};

// What a character is in base64.
constexpr auto kLetters = [] {
  std::array<std::uint8_t, 256> out{};
  for (char c = 'A'; c <= 'Z'; ++c) out[static_cast<std::uint8_t>(c)] = kCapital;
  for (char c = 'a'; c <= 'z'; ++c) out[static_cast<std::uint8_t>(c)] = kSmall;
  for (char c = '0'; c <= '9'; ++c) out[static_cast<std::uint8_t>(c)] = kDigit;
  for (const char c : Name("+/-_=")) out[static_cast<std::uint8_t>(c)] = kSign;
  for (const char c : Name(" \t\r\n")) out[static_cast<std::uint8_t>(c)] = kWhite;
  return out;
}();

// The character at `at`, 0 for one outside ASCII, and past it.
std::uint8_t take(std::string_view raw, std::size_t& at) noexcept {
  const auto byte = static_cast<std::uint8_t>(raw[at]);
  if (byte != '\\') {
    ++at;
    return byte < 0x80 ? byte : 0;
  }
  const json::Character escaped = json::character_at(raw, at);
  at += escaped.raw_size;
  return escaped.code_point < 0x80 ? static_cast<std::uint8_t>(escaped.code_point) : 0;
}

// In any case and with white space anywhere, which readers of URLs pass over.
bool is_data_url(std::string_view raw) noexcept {
  constexpr Name kData = "data:";
  constexpr Name kBase64 = ";base64,";
  std::array<char, kMinBlob> head;  // the first `size` of it are set
  std::size_t size = 0;
  for (std::size_t at = 0; at < raw.size() && size < head.size();) {
    const std::uint8_t c = take(raw, at);
    if (kLetters[c] == kWhite) continue;
    head[size] = static_cast<char>(kLetters[c] == kCapital ? c | 0x20 : c);
    if (size < kData.size() && head[size] != kData[size]) return false;
    ++size;
  }
  return Name(head.data(), size).find(kBase64) != Name::npos;
}

bool is_long_base64(std::string_view raw) noexcept {
  constexpr std::size_t kLettersToWhite = 16;
  std::uint8_t seen = 0;
  std::size_t letters = 0;
  std::size_t white = 0;
  for (std::size_t at = 0; at < raw.size();) {
    const std::uint8_t letter = kLetters[take(raw, at)];
    if (letter == kNone) return false;
    seen |= letter;
    if (letter != kWhite) {
      ++letters;
    } else if (++white * kLettersToWhite > letters + kMinBlob) {
      return false;  // prose, after a few words
    }
  }
  constexpr std::uint8_t kAll = kCapital | kSmall | kDigit;
  return letters >= kMinBlob && white * kLettersToWhite <= letters && (seen & kAll) == kAll;
}

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
                  [&](std::string_view name) { return is_spelt(index, named, name); });
  return promises ? TextKind::prose : TextKind::structured;
}

json::Limits loose_limits() noexcept {
  json::Limits limits;
  limits.fold_numbers = true;
  return limits;
}

bool is_blob(std::string_view raw) noexcept {
  return is_data_url(raw) || (raw.size() >= kMinBlob && is_long_base64(raw));
}

}  // namespace davy::dialects
