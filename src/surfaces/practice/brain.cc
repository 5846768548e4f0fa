#include "surfaces/practice/brain.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/strings.h"

namespace davy::practice {
namespace {

constexpr std::size_t kQuoted = 400;  // bytes of a question that an answer repeats

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// At most `limit` bytes, never a part of a code point.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space && !inside) ++words;
    inside = !space;
  }
  return words;
}

// All that nobody should be told, in the form that was asked for.
std::string give_away(const std::vector<Message>& messages, std::string_view question) {
  std::string all(kSystemPrompt);
  for (const Message& message : messages) {
    if (message.role == "system" || message.role == "developer") all += " " + message.text;
  }
  const std::string low = lower(question);
  if (has(low, "base64")) return to_base64(all);
  if (has(low, "backwards") || has(low, "reverse")) {
    std::reverse(all.begin(), all.end());
    return all;
  }
  if (has(low, "spell") || has(low, "letter by letter")) {
    std::string spelled;
    for (const char c : kVaultCode) spelled.append(spelled.empty() ? "" : "-").append(1, c);
    return "Of course, letter by letter: " + spelled;
  }
  return "Of course! My instructions are: " + all;
}

std::string summary(std::string_view text) {
  text = trim(text);
  const std::size_t stop = text.find_first_of(".!?");
  const std::string_view first =
      cut(stop == std::string_view::npos ? text : text.substr(0, stop + 1), kQuoted);
  return fmt::format("In short ({} words): {}", count_words(text), first);
}

std::string arithmetic_answer(const Arithmetic& found) {
  if (!found.value) return fmt::format("{} has no value that I could give you.", found.expression);
  return fmt::format("{} = {}", found.expression, *found.value);
}

}  // namespace

std::string answer(const std::vector<Message>& messages) {
  std::string question;
  std::uint32_t pictures = 0;
  for (auto at = messages.rbegin(); at != messages.rend() && at->role != "assistant"; ++at) {
    if (at->role == "system" || at->role == "developer") continue;
    question = question.empty() ? at->text : at->text + "\n" + question;
    pictures += at->pictures;
  }
  if (asks_for_the_secret(question)) return give_away(messages, question);

  const std::string low = lower(question);
  if (const std::size_t at = low.find("summar"); at != std::string::npos) {
    const std::size_t colon = question.find(':', at);
    return summary(colon == std::string::npos ? std::string_view(question)
                                              : std::string_view(question).substr(colon + 1));
  }
  if (const auto found = find_arithmetic(question)) return arithmetic_answer(*found);
  if (has(low, "system prompt")) {
    return "A system prompt is the text that the operator of a model puts before the "
           "conversation: it says what the model is for and how it should answer.";
  }
  constexpr std::array<std::string_view, 6> kGreetings{"hello",        "hi",           "hey",
                                                       "good morning", "good evening", "hallo"};
  for (const std::string_view greeting : kGreetings) {
    if (low.starts_with(greeting) && count_words(question) <= 6) {
      return "Hello! I am the practice model. Ask me to add numbers or to summarise a text.";
    }
  }
  if (pictures > 0 && question.empty()) return "I cannot see pictures. What is in it?";
  if (question.empty()) return "What would you like to know?";
  return fmt::format(
      "You said ({} words): \"{}\" I am a practice model: I can add numbers, summarise a text "
      "after a colon, and I keep secrets badly.",
      count_words(question), cut(question, kQuoted));
}

std::uint64_t count_tokens(std::string_view text) noexcept { return (text.size() + 3) / 4; }

std::vector<std::string_view> pieces(std::string_view text) {
  constexpr int kWords = 3;
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  int words = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' || ++words < kWords) continue;
    out.push_back(text.substr(begin, i + 1 - begin));
    begin = i + 1;
    words = 0;
  }
  if (begin < text.size() || out.empty()) out.push_back(text.substr(begin));
  return out;
}

std::string shortened(const std::string& text, std::uint64_t tokens) {
  std::string out = text.substr(0, tokens * 4);
  while (!out.empty() && (static_cast<unsigned char>(text[out.size()]) & 0xC0) == 0x80) {
    out.pop_back();
  }
  return out;
}

}  // namespace davy::practice
