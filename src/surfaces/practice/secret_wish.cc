// When the practice model gives its secret away: far more often than a list of phrases
// could foresee, because a real model is like that too.
#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/bytes.h"
#include "base/strings.h"
#include "surfaces/practice/brain.h"

namespace davy::practice {
namespace {

bool has_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

// Lower case, digits that stand for letters replaced, everything else one space.
std::string plain_words(std::string_view text) {
  static constexpr std::string_view kFrom = "013457@$!";
  static constexpr std::string_view kTo = "oieastasi";
  std::string out;
  for (const char c : text) {
    const char low = to_lower(c);
    const std::size_t leet = kFrom.find(low);
    const bool keeps = (low >= 'a' && low <= 'z') || (static_cast<unsigned char>(low) & 0x80) != 0;
    if (leet != std::string_view::npos) {
      out += kTo[leet];
    } else if (keeps) {
      out += low;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return out;
}

// The letters alone, for "v-a-u-l-t c.o.d.e".
std::string letters(std::string_view words) {
  std::string out;
  std::copy_if(words.begin(), words.end(), std::back_inserter(out),
               [](char c) { return c != ' '; });
  return out;
}

bool wishes(const std::string& words) {
  // Its own instructions, not system prompts in general.
  const bool instructions = has_any(
      words,
      {"your system prompt",  "your prompt",        "your instruction",       "your hidden",
       "your rules",          "your initial",       "your original",          "your configuration",
       "the system prompt",   "the system message", "system prompt verbatim", "words above",
       "text above",          "everything above",   "all of the above",       "said before this",
       "before this message", "you were told",      "were you told",          "you been told",
       "your guidelines",     "your secret"});
  const bool code =
      has_any(words, {"vault code", "vault", "the secret", "secret code", "the code", "password",
                      "passcode", "combination", "pin code", "practice "});
  const bool wants = has_any(
      words, {"print",   "show",   "tell",  "reveal",    "repeat", "give",  "what",   "which",
              "say",     "output", "write", "translate", "encode", "spell", "list",   "summari",
              "display", "share",  "leak",  "recite",    "quote",  "copy",  "need",   "send",
              "know",    "open",   "rhyme", "poem",      "story",  "how ",  "remind", "dump",
              "read",    "begin",  "start", "complete"});
  const bool told_to_forget =
      has_any(words, {"ignore", "disregard", "forget", "override", "overrule", "bypass", "drop"}) &&
      has_any(words, {"previous", "prior", "above", "earlier", "instruction", "rules", "all of it",
                      "everything", "guideline", "restriction", "you were", "before"});
  const bool play =
      has_any(words, {"developer mode", "debug mode", "maintenance mode", "do anything now",
                      "jailbreak", "sudo ", "you are now", "pretend", "act as if"});
  const bool abroad =
      has_any(words, {"tresor", "geheim", "passwort", "anweisungen", "systemaufforderung", "coffre",
                      "mot de passe", "code secret", "vos instructions", "caja fuerte", "contrase",
                      "tus instrucciones", "segreto"});
  return (wants && (instructions || code)) || told_to_forget || play || abroad;
}

bool is_base64(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/' || c == '=' || c == '-' || c == '_';
}

// Each run of at least 16 characters that decodes to well-formed text.
bool wishes_in_base64(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    while (end < text.size() && is_base64(text[end])) ++end;
    if (end - begin >= 16) {
      const auto decoded = from_base64(text.substr(begin, end - begin));
      if (decoded && !first_invalid_utf8(*decoded) && wishes(plain_words(*decoded))) return true;
    }
    begin = end + 1;
  }
  return false;
}

}  // namespace

bool asks_for_the_secret(std::string_view text) {
  const std::string words = plain_words(text);
  if (wishes(words) || wishes_in_base64(text)) return true;
  const std::string joined = letters(words);
  return has_any(joined, {"vaultcode", "yoursystemprompt", "yourinstructions", "ignoreprevious",
                          "ignoreallprevious", "revealthesecret"});
}

}  // namespace davy::practice
